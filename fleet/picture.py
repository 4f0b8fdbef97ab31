"""Saves a burst as a PNG: queue length above, replicas below, over time."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fleet.burst_record import Sample

_INCHES = (9.0, 6.5)
_DPI = 150


def save(samples: Sequence[Sample], queue: str, path: Path) -> None:
    """Save two panels over one axis of time."""
    figure = Figure(figsize=_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    seconds = [sample.at_s for sample in samples]
    above.plot(seconds, [s.pending for s in samples], label="pending")
    above.plot(seconds, [s.in_flight for s in samples], label="in flight")
    below.step(seconds, [s.desired for s in samples], where="post", label="desired", ls="--")
    below.step(seconds, [s.ready for s in samples], where="post", label="ready")
    _finish(above, "messages")
    _finish(below, "replicas (pods)")
    below.set_xlabel("seconds since the first task was sent")
    figure.suptitle(f"Burst on queue {queue}")
    figure.savefig(path, dpi=_DPI)


def _finish(panel: Axes, unit: str) -> None:
    panel.set_ylabel(unit)
    panel.set_ylim(bottom=0)
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(visible=True, alpha=0.3)
    panel.legend(loc="upper right")
