"""What each kind of panel draws within its frame."""

import math
import time
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from rehearsal.grafana.asking import Document, Line
from rehearsal.grafana.table import colour_of, table
from rehearsal.grafana.units import written

TEXT, FAINT = "#d8d9da", "#8e9099"
_GRID = "#2c3039"
_NAMED = {"green": "#73bf69", "orange": "#ff9830", "red": "#f2495c", "blue": "#5794f2"}
_LINES = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#56d7e8", "#fade2a")
_LEGENDS = 8
_SHORT = 25
_SHORT = 25


def _inches(axes: Axes) -> tuple[float, float]:
    """Size of the whole picture."""
    figure = axes.get_figure(root=True)
    wide, high = figure.get_size_inches() if figure else (1.0, 1.0)
    return float(wide), float(high)


def _bare(axes: Axes) -> None:
    axes.set_axis_off()


def _stat(axes: Axes, panel: Document, lines: Sequence[Line]) -> None:
    field, line = panel["fieldConfig"]["defaults"], lines[0]
    colour = _NAMED[colour_of(line.latest, field["thresholds"])]
    _bare(axes)
    axes.plot(line.times_s, line.values, color=colour, linewidth=1, drawstyle="steps-post")
    axes.fill_between(line.times_s, line.values, color=colour, alpha=0.2, step="post")
    top = max((v for v in line.values if not math.isnan(v)), default=0) or 1
    axes.set_ylim(0, top * 3)
    text = written(line.latest, field["unit"])
    axes.text(
        0.5,
        0.62,
        text,
        color=colour,
        fontsize=22,
        ha="center",
        va="center",
        transform=axes.transAxes,
    )


def _timeseries(axes: Axes, panel: Document, lines: Sequence[Line]) -> None:
    field, place = panel["fieldConfig"]["defaults"], axes.get_position()
    wide, high = _inches(axes)
    columns = 4 if max(len(line.name) for line in lines) < _SHORT else 2
    legend = (0.16 * math.ceil(min(len(lines), _LEGENDS) / columns) + 0.08) / high
    left, foot = 0.62 / wide, 0.24 / high
    inner_high = place.height - legend - foot - 0.06 / high
    inner_wide = place.width - left - 0.12 / wide
    axes.set_position((place.x0 + left, place.y0 + legend + foot, inner_wide, inner_high))
    top = _steps(axes, panel, lines)
    if field["custom"]["thresholdsStyle"]["mode"] != "off":
        for step in field["thresholds"]["steps"]:
            if step["value"] is not None:
                colour = _NAMED[step["color"]]
                axes.axhline(step["value"], color=colour, linestyle=(0, (5, 4)), linewidth=1)
    _scales(axes, field["unit"], top)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, -foot / inner_high),
        ncols=columns,
        fontsize=7.5,
        frameon=False,
        labelcolor=FAINT,
        handlelength=1.2,
        columnspacing=1.0,
        borderaxespad=0,
        labelspacing=0.2,
        handles=axes.get_legend_handles_labels()[0][:_LEGENDS],
    )


def _steps(axes: Axes, panel: Document, lines: Sequence[Line]) -> float:
    """Draw each line as steps; return the highest value."""
    custom, dashed = panel["fieldConfig"]["defaults"]["custom"], _dashed(panel)
    below: dict[float, float] = {}
    top = 0.0
    for number, line in enumerate(lines):
        colour, bound = _LINES[number % len(_LINES)], line.query in dashed
        stacked = custom["stacking"]["mode"] == "normal" and not bound
        base = [below.get(at, 0.0) if stacked else 0.0 for at in line.times_s]
        values = [value + under for value, under in zip(line.values, base, strict=True)]
        style = "--" if bound else "-"
        axes.step(line.times_s, values, style, where="post", color=colour, lw=1.3, label=line.name)
        if not bound:
            alpha = custom["fillOpacity"] / 100
            axes.fill_between(line.times_s, values, base, color=colour, alpha=alpha, step="post")
        if stacked:
            below |= dict(zip(line.times_s, values, strict=True))
        top = max([top, *(value for value in values if not math.isnan(value))])
    return top


def _scales(axes: Axes, unit: str, top: float) -> None:
    """From 0 to a little above the highest value; thresholds beyond it are not seen."""
    whole = unit in ("none", "short", "bool_yes_no")
    axes.set_ylim(0, max(top, 1.0 if whole else 0.0) * 1.08 or 1.0)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=whole))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value, unit)))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    clock = FuncFormatter(lambda at, _: time.strftime("%H:%M", time.gmtime(at)))
    axes.xaxis.set_major_formatter(clock)
    axes.tick_params(colors=FAINT, labelsize=7.5, length=0)
    axes.grid(visible=True, color=_GRID, linewidth=0.6)
    axes.spines[:].set_visible(False)


def _dashed(panel: Document) -> set[str]:
    return {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byFrameRefID"
    }


def _bargauge(axes: Axes, panel: Document, lines: Sequence[Line]) -> None:
    field = panel["fieldConfig"]["defaults"]
    most = max(line.latest for line in lines) or 1.0
    for number, line in enumerate(lines):
        colour = _NAMED[colour_of(line.latest, field["thresholds"])]
        axes.barh(number, most, color=_GRID, height=0.6)
        axes.barh(number, line.latest, color=colour, height=0.6)
        text = written(line.latest, field["unit"])
        axes.text(most * 1.02, number, text, color=colour, fontsize=10, va="center")
        axes.text(-most * 0.02, number, line.name, color=TEXT, fontsize=9, va="center", ha="right")
    axes.set_xlim(-most * 0.25, most * 1.2)
    axes.invert_yaxis()
    _bare(axes)


def _table(axes: Axes, panel: Document, lines: Sequence[Line]) -> None:
    made = table(panel, lines)
    _bare(axes)
    axes.set_xlim(0, len(made.headings))
    axes.set_ylim(len(made.rows) + 1.2, 0)
    for column, heading in enumerate(made.headings):
        axes.text(column + 0.08, 0.5, heading, color=_NAMED["blue"], fontsize=9, va="center")
    for row, cells in enumerate(made.rows, 1):
        axes.axhline(row, color=_GRID, linewidth=0.8)
        for column, cell in enumerate(cells):
            if cell.colour:
                axes.fill_between(
                    (column, column + 0.96),
                    row + 0.06,
                    row + 0.94,
                    color=_NAMED[cell.colour],
                    alpha=0.55,
                    linewidth=0,
                )
            axes.text(column + 0.08, row + 0.5, cell.text, color=TEXT, fontsize=9, va="center")


DRAWN = {"stat": _stat, "timeseries": _timeseries, "bargauge": _bargauge, "table": _table}
