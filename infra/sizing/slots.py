"""How many slots a load needs, and how many more a waiting message asks for."""

import math
from dataclasses import dataclass

from infra.sizing.burst import slots_in_burst
from infra.sizing.erlang import fewest_slots
from infra.sizing.load import Load
from infra.sizing.reaction import Reaction

# KEDA's adapter reports thousandths; with a weight of 0 a waiting message would wake nobody.
_LEAST_WEIGHT = 0.001


@dataclass(frozen=True)
class Slots:
    """Slots that a load needs: for its steady part, for its burst, and kept in hand."""

    steady: int
    spare: int
    """Warm slots beside the steady ones, for a burst that no autoscaler can answer in time."""
    kept_free: int
    """Of the spare ones, those that the formula asks for on top of the slots in use."""
    pending_weight: float
    """Slots that one waiting message asks for."""
    at_burst: int


def slots_needed(load: Load, react: Reaction) -> Slots:
    """Slots for the steady load, and how a burst is answered."""
    steady = max(1, fewest_slots(load.per_s, load.mean_s, load.wait_s, load.quantile, load.spread))
    in_time = load.wait_s > react.from_one_s
    weight = max(_LEAST_WEIGHT, _weight(load, react))
    spare = (
        0 if load.wait_s >= react.from_one_s else slots_in_burst(load, steady, load.wait_s) - steady
    )
    answered = load.burst * min(1.0, load.mean_s / max(load.mean_s, load.burst_s))
    at_burst = max(load.burst * weight if in_time else answered, spare)
    return Slots(
        steady=steady,
        spare=spare,
        # What is asked for while short tasks run comes when they are done: too late, so not at all.
        kept_free=spare if load.mean_s >= react.from_one_s else 0,
        pending_weight=round(weight, 3),
        at_burst=math.ceil(steady + at_burst),
    )


def _weight(load: Load, react: Reaction) -> float:
    """Slots that one waiting message asks for, so that none waits too long.

    In the time that is left after the reaction, a slot begins one task at once and at least one
    more in every two task lengths; none where the first outlasts that time. Where no time is
    left, pods come too late for the messages seen; they are to clear such a backlog in time.
    """
    left_s = load.wait_s - react.from_one_s
    if left_s <= 0:
        return min(1.0, load.mean_s / load.wait_s)
    return 1.0 if load.mean_s >= left_s else load.mean_s / (load.mean_s + left_s / 2)
