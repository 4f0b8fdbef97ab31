"""Losses, second runs and restarts by fault, both arms side by side."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from chaos.campaign import Campaign

mpl.use("Agg")
from matplotlib import pyplot as plt

_COLOURS = {"ours": "black", "stock": "C1"}
_HEIGHT = 0.38


def save(campaign: Campaign, path: Path) -> None:
    """Draw a PNG."""
    faults = list(campaign.figures)
    size = (12.5, 1.6 + 0.42 * len(faults))
    figure, axes = plt.subplots(1, 3, figsize=size, sharey=True, layout="constrained")
    _bars(axes[0], campaign, "lost", "messages lost")
    _bars(axes[1], campaign, "second_runs", "second runs")
    _bars(axes[2], campaign, "restart_median_s", "restart of what was cut off, s (median)")
    axes[0].set_yticks(range(len(faults)), faults)
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, format="png")
    plt.close(figure)


def _bars(axis: Axes, campaign: Campaign, figure: str, title: str) -> None:
    for index, arm in enumerate(campaign.runs):
        values = [
            getattr(by_arm[arm], figure) if arm in by_arm else None
            for by_arm in campaign.figures.values()
        ]
        at = [row + (index - 0.5) * _HEIGHT for row in range(len(values))]
        bars = axis.barh(
            at, [value or 0 for value in values], height=_HEIGHT, color=_COLOURS[arm], label=arm
        )
        told = ["" if value is None else f"{value:.3g}" for value in values]
        axis.bar_label(bars, told, padding=2, fontsize=7)
    axis.set_title(title)
    axis.margins(x=0.12)
    axis.spines[["top", "right"]].set_visible(False)
