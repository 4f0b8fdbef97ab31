"""Waiting in a burst that a fixed number of slots meets: too short for a steady state.

The work that waits is taken for a Brownian motion that cannot fall below zero: it drifts by what
comes less what the slots do, and spreads with the number of tasks and their lengths. Its
distribution at any moment is known (Harrison, Brownian Motion and Stochastic Flow Systems, 3.6).
Tasks that last about as long as burst and wait together are given a few slots too many: the work
of the last ones need not be done in time, only begun.
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
    slots = range(least, least + load.burst)
    enough = bisect_left(
        slots, x=True, key=lambda n: late_share(load, n, wait_s) <= 1 - load.quantile
    )
    return least + enough


def late_share(load: Load, slots: int, wait_s: float) -> float:
    """Share of a burst's tasks that wait longer than `wait_s` for one of the slots."""
    per_s = load.per_s + load.burst / load.burst_s
    drift = per_s * load.mean_s - slots
    spread = math.sqrt(per_s * (1 + load.spread**2)) * load.mean_s
    moments_s = [(n + 0.5) / _MOMENTS * load.burst_s for n in range(_MOMENTS)]
    beyond = [_beyond(slots * wait_s, drift, spread, moment_s) for moment_s in moments_s]
    return sum(beyond) / _MOMENTS


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
