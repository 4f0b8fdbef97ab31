"""A dashboard as one picture: each panel at its place on the grid."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rehearsal.grafana.asking import Document, Line
from rehearsal.grafana.kinds import DRAWN, FAINT, TEXT

_COLUMN_IN, _LINE_IN, _HEAD_IN, _GAP_IN = 0.62, 0.34, 0.55, 0.06
_PAGE, _PANEL = "#111217", "#1b1e24"
_DPI = 72


class Asked(Protocol):
    """Whoever answers the queries of a panel."""

    def lines(self, panel: Document) -> list[Line]:
        """Every series of every query."""


def draw(document: Document, prometheus: Asked, file: Path) -> list[str]:
    """Draw a dashboard; return the titles of panels that had nothing to show."""
    panels = document["panels"]
    lines = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    width, height = 24 * _COLUMN_IN + 2 * _GAP_IN, lines * _LINE_IN + _HEAD_IN
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor=_PAGE)
    FigureCanvasAgg(figure)
    top = 1 - 0.24 / height
    figure.text(0.006, top, document["title"], color=TEXT, fontsize=15, va="center")
    told = f"drawn by a stand-in for Grafana, {time.strftime('%Y-%m-%d')}"
    figure.text(0.994, top, told, color=FAINT, fontsize=10, va="center", ha="right")
    empty = []
    for panel in panels:
        place = panel["gridPos"]
        left = (_GAP_IN + place["x"] * _COLUMN_IN) / width
        bottom = (height - _HEAD_IN - (place["y"] + place["h"]) * _LINE_IN) / height
        box = (left, bottom, place["w"] * _COLUMN_IN / width, place["h"] * _LINE_IN / height)
        if panel["type"] == "row":
            figure.text(
                left,
                bottom + box[3] / 2,
                f"⌄ {panel['title']}",
                color=TEXT,
                fontsize=11,
                va="center",
            )
            continue
        found = prometheus.lines(panel)
        _panel(figure, panel, found, box)
        if not any(not math.isnan(value) for line in found for value in line.values):
            empty.append(panel["title"])
    figure.savefig(file, facecolor=_PAGE)
    return empty


def _panel(
    figure: Figure, panel: Document, lines: Sequence[Line], box: tuple[float, float, float, float]
) -> None:
    """Its frame and title, and within it what its kind draws."""
    wide, high = (float(inches) for inches in figure.get_size_inches())
    left, bottom, width, height = box
    gap_x, gap_y = _GAP_IN / 2 / wide, _GAP_IN / 2 / high
    frame = figure.add_axes(
        (left + gap_x, bottom + gap_y, width - 2 * gap_x, height - 2 * gap_y), facecolor=_PANEL
    )
    frame.set(xticks=[], yticks=[])
    frame.spines[:].set_visible(False)
    title = bottom + height - 0.17 / high
    figure.text(left + 0.1 / wide, title, panel["title"], color=TEXT, fontsize=10, va="center")
    if not lines:
        figure.text(
            left + width / 2,
            bottom + height / 2,
            "No data",
            color=FAINT,
            fontsize=11,
            ha="center",
            va="center",
        )
        return
    head = 0.32 / high
    inner = figure.add_axes((left + gap_x, bottom + gap_y, width - 2 * gap_x, height - head))
    inner.set_facecolor("none")
    DRAWN[panel["type"]](inner, panel, lines)
