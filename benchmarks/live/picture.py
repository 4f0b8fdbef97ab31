"""Delay against cost, and the pods that served over time, a column per scenario."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from benchmarks.live.arms import OURS
from benchmarks.live.outcome import Outcome, Policy
from benchmarks.live.timeline import serving

mpl.use("Agg")
from matplotlib import pyplot as plt


def save(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw a PNG."""
    figure, axes = plt.subplots(
        2, len(outcomes), figsize=(5.2 * len(outcomes), 7.6), squeeze=False, layout="constrained"
    )
    for column, one in enumerate(outcomes):
        _cost(axes[0][column], one)
        _pods(axes[1][column], one)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(
        "Real KEDA, HPA and workers, time scaled (x: kills or loses tasks; bars: all blocks)"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, format="png")
    plt.close(figure)


def _cost(axis: Axes, one: Outcome) -> None:
    for index, policy in enumerate(one.policies):
        ours = policy.name == OURS
        cost, wait = policy.median("pod_s"), policy.median("wait_p95_s")
        axis.errorbar(
            cost,
            wait,
            xerr=_reach(policy, "pod_s", cost),
            yerr=_reach(policy, "wait_p95_s", wait),
            color=_colour(index),
            fmt="*" if ours else ("x" if _harms(policy) else "o"),
            markersize=14 if ours else 8,
            elinewidth=1,
            label=policy.label,
        )
    axis.axhline(one.scenario.tolerated_s, color="grey", linestyle="--", linewidth=1)
    axis.set(title=f"{one.scenario.name} (1 s = {one.scenario.pace.factor:g} s)", yscale="log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_xlim(left=0)
    axis.set_xlabel("pod-seconds a block")
    axis.set_ylabel("wait p95, seconds (dashed: tolerated)")
    axis.grid(visible=True, alpha=0.3)


def _pods(axis: Axes, one: Outcome) -> None:
    """The first block that counts."""
    for index, policy in enumerate(one.policies):
        run = policy.runs[min(policy.runs)]
        steps = [*serving(run), (run.ended_s, serving(run)[-1][1])]
        # Lines that coincide would hide each other.
        shift = 0.04 * index
        axis.step(
            [at_s for at_s, _ in steps],
            [pods + shift for _, pods in steps],
            where="post",
            color=_colour(index),
            linewidth=2 if policy.name == OURS else 1.2,
        )
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("seconds since the first task was due")
    axis.set_ylabel("pods that take tasks, one block")
    axis.grid(visible=True, alpha=0.3)


def _colour(index: int) -> str:
    return f"C{index}" if index else "black"


def _harms(policy: Policy) -> bool:
    return policy.total("killed") + policy.total("lost") > 0


def _reach(policy: Policy, figure: str, middle: float) -> list[list[float]]:
    values = [getattr(one, figure) for one in policy.figures.values()]
    return [[middle - min(values)], [max(values) - middle]]
