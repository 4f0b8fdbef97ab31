"""Waiting in a queue with a fixed number of slots: Erlang C, widened for the spread of tasks.

Erlang C is exact for Poisson arrivals and exponential task seconds. For other spreads the wait is
stretched by (1 + cv^2) / 2, Allen and Cunneen's factor for Poisson arrivals.
"""

import math


def erlang_b(slots: int, load: float) -> float:
    """Share of arrivals lost if nobody may wait; `load` is rate x task seconds.

    The recursion adds positive terms only, so it is stable for thousands of slots.
    """
    blocked = 1.0
    for n in range(1, slots + 1):
        blocked = _next_blocked(blocked, n, load)
    return blocked


def erlang_c(slots: int, load: float) -> float:
    """Probability that a task waits; 1 where the load is not below the slots."""
    if load <= 0:
        return 0.0
    if load >= slots:
        return 1.0
    return _waiting(erlang_b(slots, load), slots, load)


def wait_tail(
    slots: int, rate_per_s: float, task_s: float, wait_s: float, cv: float = 1.0
) -> float:
    """Probability that a task waits longer than `wait_s`."""
    load = rate_per_s * task_s
    if load >= slots:
        return 1.0
    return _tail(erlang_c(slots, load), slots, load, wait_s / _stretched_s(task_s, cv))


def mean_wait_s(slots: int, rate_per_s: float, task_s: float, cv: float = 1.0) -> float:
    """Mean wait of all tasks, seconds; infinite where the load is not below the slots."""
    load = rate_per_s * task_s
    if load >= slots:
        return math.inf
    return erlang_c(slots, load) * _stretched_s(task_s, cv) / (slots - load)


def wait_quantile_s(
    slots: int, rate_per_s: float, task_s: float, quantile: float, cv: float = 1.0
) -> float:
    """Wait that a share `quantile` of tasks does not exceed, seconds."""
    load = rate_per_s * task_s
    if load >= slots:
        return math.inf
    waiting = erlang_c(slots, load)
    if waiting <= 1 - quantile:
        return 0.0
    return math.log(waiting / (1 - quantile)) * _stretched_s(task_s, cv) / (slots - load)


def fewest_slots(
    rate_per_s: float, task_s: float, wait_s: float, quantile: float, cv: float = 1.0
) -> int:
    """Fewest slots with which a share `quantile` of tasks waits at most `wait_s`; 0 for no load.

    Raises:
        ValueError: a quantile outside 0 to 1, which no number of slots can keep.

    """
    if not 0 <= quantile < 1:
        raise ValueError(f"quantile {quantile} is not in 0 <= q < 1")
    load = rate_per_s * task_s
    if load <= 0:
        return 0
    slots = math.floor(load) + 1
    blocked = erlang_b(slots, load)
    scaled_wait = wait_s / _stretched_s(task_s, cv)
    while _tail(_waiting(blocked, slots, load), slots, load, scaled_wait) > 1 - quantile:
        slots += 1
        blocked = _next_blocked(blocked, slots, load)
    return slots


def _next_blocked(blocked: float, slots: int, load: float) -> float:
    return load * blocked / (slots + load * blocked)


def _waiting(blocked: float, slots: int, load: float) -> float:
    return blocked / (1 - load / slots * (1 - blocked))


def _tail(waiting: float, slots: int, load: float, scaled_wait: float) -> float:
    return waiting * math.exp(-(slots - load) * scaled_wait)


def _stretched_s(task_s: float, cv: float) -> float:
    return task_s * (1 + cv**2) / 2
