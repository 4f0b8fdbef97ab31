"""How many slots keep a steady load's waits short: Erlang C. Pure arithmetic."""

import math


def wait_probability(slots: int, load: float) -> float:
    """Erlang C: the share of tasks that find every slot taken.

    Args:
        slots: tasks that run at once.
        load: arrivals per second times mean seconds; below `slots`, else all wait.

    """
    if load >= slots:
        return 1.0
    blocked = 1.0  # Erlang B by its recurrence, stable for thousands of slots
    for n in range(1, slots + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - (load / slots) * (1 - blocked))


def late_share(slots: int, load: float, wait_s: float, mean_s: float, spread: float) -> float:
    """Share of tasks that wait longer than `wait_s`.

    Exact for exponential run times (spread 1); elsewhere Allen and Cunneen's factor scales the
    time unit by (1 + spread^2) / 2.
    """
    if load >= slots:
        return 1.0
    unit_s = mean_s * (1 + spread**2) / 2
    decay = math.exp(-(slots - load) * wait_s / unit_s) if unit_s > 0 else 0.0
    return wait_probability(slots, load) * decay


def slots_for(load: float, wait_s: float, mean_s: float, spread: float, quantile: float) -> int:
    """Fewest slots with which `quantile` of the tasks start within `wait_s`."""
    slots = max(1, math.floor(load) + 1)
    while late_share(slots, load, wait_s, mean_s, spread) > 1 - quantile:
        slots += 1
    return slots
