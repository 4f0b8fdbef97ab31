"""Cost against promises kept, a dot per policy: who is dominated, and by whom."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from benchmarks.model.contenders import AMPLE, FAIR_MARK, HINDSIGHT, OURS, PEERS
from benchmarks.model.verdict import Verdict, relative_cost, tally

mpl.use("Agg")
from matplotlib import pyplot as plt


def save(verdicts: Sequence[Verdict], path: Path) -> None:
    """Draw the tuned-on and the unseen queues, a panel each."""
    fresh = [verdict for verdict in verdicts if verdict.case.name.startswith("unseen/")]
    tuned = [verdict for verdict in verdicts if verdict not in fresh]
    panels = [(title, part) for title, part in (("tuned on", tuned), ("unseen", fresh)) if part]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(5.4 * len(panels), 4.4), squeeze=False, layout="constrained"
    )
    for axis, (title, part) in zip(axes.flat, panels, strict=True):
        _panel(axis, part)
        axis.set_title(f"{len(part)} queues, {title}")
    figure.legend(
        *axes.flat[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        frameon=False,
    )
    figure.suptitle(
        "Promises kept against cost (simulated; x kills running tasks, *: with our delivery)"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, format="png")
    plt.close(figure)


def _panel(axis: Axes, verdicts: Sequence[Verdict]) -> None:
    for name in (OURS, *PEERS, *(name + FAIR_MARK for name in PEERS), HINDSIGHT, AMPLE):
        counted = tally(verdicts, name)
        cost, share = relative_cost(verdicts, name), 100 * counted.keeps / counted.feasible
        axis.plot(
            cost, share, label=name, linestyle="none", **_look(name, kills=counted.killed > 0)
        )
    axis.axhline(95, color="grey", linestyle="--", linewidth=1)
    axis.set(xscale="log", xlim=(0.5, 25), ylim=(-3, 104))
    axis.xaxis.set_major_locator(FixedLocator([0.5, 1, 2, 5, 10, 20]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_xlabel("cost over ours, geometric mean of the queues")
    axis.set_ylabel("feasible promises kept, %")
    axis.grid(visible=True, which="major", alpha=0.3)


def _look(name: str, *, kills: bool) -> dict[str, Any]:
    """A colour for each peer; a ring is the peer with our delivery."""
    if name == OURS:
        return {"color": "black", "marker": "*", "markersize": 14, "zorder": 3}
    if name in {HINDSIGHT, AMPLE}:
        return {"color": "grey", "marker": "D" if name == HINDSIGHT else "s", "markersize": 6}
    color = f"C{list(PEERS).index(name.removesuffix(FAIR_MARK))}"
    if not name.endswith(FAIR_MARK):
        return {"color": color, "marker": "x" if kills else "o", "markersize": 6}
    ring = {"markerfacecolor": "none", "markeredgewidth": 1.5}
    return {"color": color, "marker": "x" if kills else "o", "markersize": 10, **ring}
