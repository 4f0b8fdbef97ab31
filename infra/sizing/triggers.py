"""What KEDA counts: every list in which messages wait, and the hash of those in flight."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.models.queue import QueueSpec

# kombu's default `priority_steps`; 0 is served first (kombu 5.7.0, transport/redis.py).
PRIORITY_STEPS = (0, 3, 6, 9)
# Between kombu's queue name and step; its own default is control bytes that KEDA's metric
# names cannot hold.
STEP_SEPARATOR = ":"
IN_FLIGHT = "in_flight"


@dataclass(frozen=True)
class Trigger:
    """One Redis key that KEDA counts; a list's length or a hash's."""

    name: str
    """An identifier in the scaling formula."""
    key: str
    """Before the broker's key prefix."""


def pending_lists(queue: str, spec: QueueSpec) -> tuple[str, ...]:
    """Redis lists in which a queue's messages wait, in the order they are served."""
    steps = PRIORITY_STEPS if spec.priorities else PRIORITY_STEPS[:1]
    return tuple(f"{queue}{STEP_SEPARATOR}{step}" if step else queue for step in steps)


def triggers(queues: Sequence[tuple[str, QueueSpec]], in_flight_key: str) -> tuple[Trigger, ...]:
    """One trigger per list of each queue, and one for what the worker's pods hold."""
    pending = [
        Trigger(f"pending_{index}_{step}", key)
        for index, (name, spec) in enumerate(queues)
        for step, key in zip(PRIORITY_STEPS, pending_lists(name, spec), strict=False)
    ]
    return (*pending, Trigger(IN_FLIGHT, in_flight_key))


def formula(counted: Sequence[Trigger], pending_weight: float, spare: int) -> str:
    """KEDA's `scalingModifiers.formula`: slots wanted.

    Messages in flight have left the lists; without them a running task looks like an idle
    queue and its pod is taken away.
    """
    pending = " + ".join(trigger.name for trigger in counted if trigger.name != IN_FLIGHT)
    weighted = pending if pending_weight == 1 else f"{pending_weight:.3g} * ({pending})"
    return " + ".join([weighted, IN_FLIGHT, *([str(spare)] if spare else [])])
