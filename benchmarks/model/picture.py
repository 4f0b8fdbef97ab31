"""Cost against promises kept, a dot per policy: who is dominated, and by whom."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from benchmarks.model.contenders import AMPLE, FAIR_MARK, OURS, PEERS
from benchmarks.model.verdict import Verdict, tally

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
    figure.suptitle("Promises kept against cost (simulated; x kills running tasks)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, format="png")
    plt.close(figure)


def _panel(axis: Axes, verdicts: Sequence[Verdict]) -> None:
    names = (OURS, *PEERS, *(name + FAIR_MARK for name in PEERS), AMPLE)
    for index, name in enumerate(names):
        counted = tally(verdicts, name)
        ours = name == OURS
        axis.scatter(
            _relative_cost(verdicts, name),
            100 * counted.keeps / counted.feasible,
            s=150 if ours else 55,
            color="black" if ours else f"C{index % 10}",
            marker="*" if ours else ("x" if counted.killed else "o"),
            label=name,
            zorder=3 if ours else 2,
        )
    axis.axhline(95, color="grey", linestyle="--", linewidth=1)
    axis.set(xscale="log", ylim=(-3, 103))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("{x:g}")
    axis.tick_params(axis="x", which="minor", labelsize=6)
    axis.set_xlabel("cost over ours, geometric mean of the queues")
    axis.set_ylabel("feasible promises kept, %")
    axis.grid(visible=True, which="major", alpha=0.3)


def _relative_cost(verdicts: Sequence[Verdict], name: str) -> float:
    ratios = [verdict.standings[name].mean_usd / verdict.ours.mean_usd for verdict in verdicts]
    return float(np.exp(np.mean(np.log(ratios))))
