"""Waiting in a burst that a fixed number of slots meets: too short for a steady state.

Either of two ways to look at it finds slots that are enough; the fewer of them are taken.

- The work that waits is taken for a Brownian motion that cannot fall below zero: it drifts by what
  comes less what the slots do, and spreads with the number of tasks and their lengths. Its
  distribution at any moment is known (Harrison, Brownian Motion and Stochastic Flow Systems, 3.6).
  Best for tasks that are short beside burst and wait.
- With slots for all, each task would run at once. If the tasks before one began within their wait,
  no more of them run when its own wait ends than would run now with slots for all; if those are
  fewer than the slots, it begins in time. Best for long tasks, and for few at once.
"""

import math
from bisect import bisect_left

from infra.sizing.load import Load

_MOMENTS = 20
# Below minus this the normal distribution is almost 0 in floats, and its asymptote exact enough.
_FAR = 30.0


def slots_in_burst(load: Load, least: int, wait_s: float) -> int:
    """Fewest slots, from `least` up, with which a burst's tasks wait as promised.

    Tasks that outlast burst and wait leave no slot twice: one slot each is always enough.
    """
    late = 1 - load.quantile
    slots = range(least, least + load.burst)
    by_work = bisect_left(slots, x=True, key=lambda n: late_share(load, n, wait_s) <= late)
    running = _running_at_once(load)
    by_tasks = bisect_left(slots, x=True, key=lambda n: _busy_share(running, n) <= late)
    return least + min(by_work, by_tasks)


def late_share(load: Load, slots: int, wait_s: float) -> float:
    """Share of a burst's tasks that wait longer than `wait_s` for one of the slots."""
    per_s = load.per_s + load.burst / load.burst_s
    drift = per_s * load.mean_s - slots
    spread = math.sqrt(per_s * (1 + load.spread**2)) * load.mean_s
    level = slots * wait_s
    beyond = [_beyond(level, drift, spread, moment_s) for moment_s in _moments_s(load)]
    return sum(beyond) / _MOMENTS


def _moments_s(load: Load) -> list[float]:
    return [(n + 0.5) / _MOMENTS * load.burst_s for n in range(_MOMENTS)]


def _running_at_once(load: Load) -> list[tuple[float, float]]:
    """Mean and variance of the tasks that run at moments of the burst if slots are no limit."""
    steady, others = load.per_s * load.mean_s, load.burst - 1
    shares = [_mean_run_s(load, moment_s) / load.burst_s for moment_s in _moments_s(load)]
    return [(steady + others * share, steady + others * share * (1 - share)) for share in shares]


def _busy_share(running: list[tuple[float, float]], slots: int) -> float:
    """Share of a burst's tasks that find as many others running as there are slots."""
    busy = [
        _cdf((mean + 1 - slots) / math.sqrt(variance)) if variance > 0 else float(mean >= slots)
        for mean, variance in running
    ]
    return sum(busy) / len(busy)


def _mean_run_s(load: Load, most_s: float) -> float:
    """Mean seconds of tasks cut off at `most_s`, their seconds taken for lognormal."""
    variance = math.log1p(load.spread**2)
    if variance == 0:
        return min(load.mean_s, most_s)
    sigma, log_ratio = math.sqrt(variance), math.log(most_s / load.mean_s)
    shorter_s = load.mean_s * _cdf(log_ratio / sigma - sigma / 2)
    return shorter_s + most_s * _cdf(-log_ratio / sigma - sigma / 2)


def _beyond(level: float, drift: float, spread: float, time_s: float) -> float:
    """Probability that the motion, begun at 0, is above the level after a time."""
    scale = spread * math.sqrt(time_s)
    direct = _cdf((drift * time_s - level) / scale)
    reflected = _log_cdf((-drift * time_s - level) / scale) + 2 * drift * level / spread**2
    return min(1.0, direct + math.exp(min(0.0, reflected)))


def _cdf(x: float) -> float:
    # Not 1 + erf(x), which is 0 from -8 down.
    return math.erfc(-x / math.sqrt(2)) / 2


def _log_cdf(x: float) -> float:
    if x > -_FAR:
        return math.log(_cdf(x))
    return -(x**2) / 2 - math.log(-x * math.sqrt(2 * math.pi))
