"""The load of one worker: that of all its queues together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from infra.models.objective import Objective


@dataclass(frozen=True)
class Load:
    """Arrivals, run times and promise, whatever queue they come from."""

    per_s: float
    mean_s: float
    spread: float
    burst: int
    burst_s: float
    wait_s: float
    """The shortest wait that any of the queues tolerates."""
    quantile: float


def combined(objectives: Sequence[Objective]) -> Load:
    """One load out of several: rates and bursts add up, the strictest promise holds.

    Run times are mixed by how often each kind arrives, bursts among them.
    """
    weights = [o.per_hour / 3600 + o.burst.tasks / 3600 for o in objectives]
    total = sum(weights)
    mean_s = sum(w * o.typical_s for w, o in zip(weights, objectives, strict=True)) / total
    square = sum(
        w * o.typical_s**2 * (1 + o.spread**2) for w, o in zip(weights, objectives, strict=True)
    )
    return Load(
        per_s=sum(o.per_hour for o in objectives) / 3600,
        mean_s=mean_s,
        spread=math.sqrt(max(0.0, square / total / mean_s**2 - 1)),
        burst=sum(o.burst.tasks for o in objectives),
        burst_s=min(o.burst.within_s for o in objectives),
        wait_s=min(o.tolerated_wait_s for o in objectives),
        quantile=max(o.quantile for o in objectives),
    )
