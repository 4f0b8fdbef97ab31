"""How settings, waits and cost are worded, as `fleet plan` words them."""

import math
from collections.abc import Iterator

from fleet.difference.figures import Figures
from fleet.difference.workers import TOLD, WorkerChange
from infra.models.worker import Resources

_WHOLE_SECONDS = 10


def figures_told(before: Figures | None, after: Figures | None) -> Iterator[str]:
    """Say how waits and cost change; nothing of what stays."""
    if before is None or after is None:
        return
    for name, old, new in (
        ("steady", before.steady_p95_s, after.steady_p95_s),
        ("in a burst", before.burst_p95_s, after.burst_p95_s),
    ):
        if seconds(old) != seconds(new):
            yield f"wait p95 {name} {wait(old)} -> {wait(new)}"
    if (cost := cost_told(before, after)) is not None:
        yield cost


def cost_told(before: Figures, after: Figures) -> str | None:
    """Say what is added to the bill, or spared; None where it is below a dollar, or unknown."""
    if before.usd is None or after.usd is None:
        return None
    more = round(after.usd - before.usd)
    return f"{'+' if more > 0 else '-'}${abs(more):,} a month" if more else None


def wait(value: float) -> str:
    """A wait with its unit."""
    return seconds(value) if math.isinf(value) else f"{seconds(value)} s"


def seconds(value: float) -> str:
    """A wait in seconds; one that never ends is told so."""
    if math.isinf(value):
        return "never"
    return f"{value:.1f}" if value < _WHOLE_SECONDS else f"{value:.0f}"


def settings_told(change: WorkerChange) -> Iterator[str]:
    """Say which settings of a worker change."""
    found = {name: (old, new) for name, old, new in change.differing}
    for name, called in TOLD.items():
        if name not in found:
            continue
        old, new = found[name]
        match name:
            case "formula":
                yield called
            case "resources":
                yield f"requests {_asked(old)} -> {_asked(new)}"
            case "queues":
                yield f"queues {', '.join(old)} -> {', '.join(new)}"
            case _:
                unit = " s" if name.endswith("_s") else ""
                yield f"{called} {old}{unit} -> {new}{unit}"


def _asked(resources: Resources) -> str:
    gpu = f" {resources.gpu} GPU" if resources.gpu else ""
    return f"{resources.requests.cpu} CPU {resources.requests.memory}{gpu}"
