"""Delay against cost, a dot per policy and worker, as a picture."""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from fleet.planning.forecast import Forecast

mpl.use("Agg")
from matplotlib import pyplot as plt

_COLUMNS = 3
# Zero waits and costs have to lie somewhere on a logarithmic axis.
_FLOOR = 0.05


def save(forecasts: Sequence[Forecast], stack: str, path: Path) -> None:
    """Draw one panel per worker: p95 wait of a burst over US dollars a month."""
    workers = list(dict.fromkeys(one.scenario.name for one in forecasts))
    rows = math.ceil(len(workers) / _COLUMNS)
    columns = min(_COLUMNS, len(workers))
    figure, axes = plt.subplots(
        rows, columns, figsize=(4.6 * columns, 3.8 * rows), squeeze=False, layout="constrained"
    )
    for axis, worker in zip(axes.flat, workers, strict=False):
        _panel(axis, [one for one in forecasts if one.scenario.name == worker])
    for axis in list(axes.flat)[len(workers) :]:
        axis.set_visible(False)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(
        f"Stack {stack}: 95th percentile wait in a burst against cost (simulated; x kills tasks)"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, format="png")
    plt.close(figure)


def _panel(axis: Axes, forecasts: Sequence[Forecast]) -> None:
    plan = forecasts[0].scenario.plan
    worst = [one.burst.p95_s for one in forecasts if math.isfinite(one.burst.p95_s)]
    ceiling = 3 * max([plan.load.wait_s, *worst])
    for one in forecasts:
        ours = one.policy == "celery-fleet"
        # The number of pods of a fixed fleet differs by worker; the legend names the policy.
        label = "static" if one.policy.startswith("static") else one.policy
        axis.scatter(
            max(one.total_usd or 0.0, _FLOOR),
            max(min(one.burst.p95_s, ceiling), _FLOOR),
            s=90 if ours else 45,
            marker="*" if ours else ("x" if one.killed else "o"),
            label=label,
            zorder=3 if ours else 2,
        )
    axis.axhline(plan.load.wait_s, color="grey", linestyle="--", linewidth=1)
    axis.annotate(
        f"tolerated {plan.load.wait_s:g} s",
        (0.02, plan.load.wait_s),
        color="grey",
        xycoords=("axes fraction", "data"),
        va="bottom",
        fontsize=8,
    )
    axis.set(xscale="log", yscale="log", title=plan.name)
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_major_formatter("{x:g}")
        scale.set_minor_formatter("")
    axis.set_xlabel("US dollars a month")
    axis.set_ylabel("p95 wait, seconds")
    axis.grid(visible=True, which="major", alpha=0.3)
