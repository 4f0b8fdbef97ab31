"""Priorities: the fleet's scale of 0 (low) to 10 (high) to kombu's, and to Redis lists.

Kombu on Redis counts the other way round (0 is served first) and keeps one list per step.
"""

from bisect import bisect
from collections.abc import Sequence

LOWEST = 0
HIGHEST = 10
# kombu.transport.redis: priorities run from 0 (first) to 9 (last).
_KOMBU_LAST = 9


def kombu_priority(priority: int) -> int:
    """Map 0 (low) - 10 (high) to kombu's 9 (last) - 0 (first).

    A half rounds to the even neighbour: 5 gives 4.5 and so 4.
    """
    if not LOWEST <= priority <= HIGHEST:
        raise ValueError(f"priority {priority} is not between {LOWEST} (low) and {HIGHEST} (high)")
    return round(_KOMBU_LAST * (HIGHEST - priority) / HIGHEST)


def clamped(kombu: int) -> int:
    """Keep a kombu priority that a caller made up within the scale.

    Kombu looks a step up with `bisect(steps, n) - 1`: -1 would wrap round to the last step.
    """
    return min(max(kombu, 0), _KOMBU_LAST)


def step(kombu: int, steps: Sequence[int]) -> int:
    """Return the step a kombu priority falls into, the highest one not above it."""
    return steps[bisect(steps, clamped(kombu)) - 1]


def list_name(queue: str, step: int, separator: str) -> str:
    """Name the Redis list of one step, without key prefix; the first step is the queue itself."""
    return f"{queue}{separator}{step}" if step else queue
