"""Draws a burst in the terminal: queue length above, replicas below, over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotext

from fleet.burst_record import Sample

_MIN_WIDTH, _MAX_WIDTH = 50, 120
_MIN_HEIGHT, _MAX_HEIGHT = 16, 32
_TICKS_MAX = 4


@dataclass(frozen=True)
class _Series:
    name: str
    values: list[int]
    colour: str
    symbol: str
    """Tells the series apart where there are no colours."""


def terminal_chart(
    samples: Sequence[Sample], queue: str, size: tuple[int, int], *, colour: bool
) -> str:
    """Draw two panels in text.

    Args:
        samples: at least one.
        queue: its name, for the title.
        size: width and height of the terminal, in cells.
        colour: whether the terminal shows colours.

    """
    figure = plotext.figure
    figure.clear()
    figure.subplots(2, 1)
    figure.theme("simple")
    width, height = max(_MIN_WIDTH, min(size[0], _MAX_WIDTH)), size[1] - 1
    figure.plot_size(width, max(_MIN_HEIGHT, min(height, _MAX_HEIGHT)))
    messages = (
        _Series("pending", [s.pending for s in samples], "cyan", "#"),
        _Series("in flight", [s.in_flight for s in samples], "orange", "+"),
    )
    replicas = (
        _Series("desired", _held([s.desired for s in samples]), "orange", "+"),
        _Series("ready", _held([s.ready for s in samples]), "green", "#"),
    )
    seconds = [sample.at_s for sample in samples]
    stepped = [second for second in seconds for _ in range(2)][1:]
    _draw(figure.subplot(1, 1), f"queue {queue}, messages:", seconds, messages, colour=colour)
    _draw(figure.subplot(2, 1), "its worker's replicas:", stepped, replicas, colour=colour)
    figure.subplot(2, 1).label("seconds since the first task was sent")
    return str(figure.build().string(not colour))


def ticks(highest: int) -> list[int]:
    """Whole numbers from 0 up to the highest value or just above, few enough to read."""
    step = max(1, -(-highest // _TICKS_MAX))
    return list(range(0, max(highest, 1) + step, step))


def _held(values: list[int]) -> list[int]:
    """Keep each value until the next one: a replica is there or it is not."""
    return [value for value in values for _ in range(2)][:-1]


def _draw(
    panel: "plotext.figure",
    title: str,
    seconds: list[float],
    series: Sequence[_Series],
    *,
    colour: bool,
) -> None:
    heading = plotext.colorize(title)
    for one in series:
        if colour:
            marker = plotext.marker("hd", one.colour)
            heading += plotext.colorize("  ") + plotext.colorize(one.name, one.colour)
        else:
            marker = one.symbol
            heading += plotext.colorize(f"  {one.name} {one.symbol}")
        panel.draw(panel.signal(seconds, one.values, marker=marker).lines())
    panel.title(heading)
    scale = ticks(max(max(one.values) for one in series))
    panel.ruler("y").lim(0, scale[-1])
    panel.ruler("y").ticks(scale, [str(number) for number in scale])
