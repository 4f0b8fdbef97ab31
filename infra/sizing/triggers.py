"""What KEDA counts: every list in which messages wait, and the hash of those in flight.

Of a fair queue the tenants' names are not known, and so not their lists: the image marks each
waiting message in one hash, which is counted instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.models.queue import QueueSpec
from infra.names import pending_key

# kombu's default `priority_steps`; 0 is served first (kombu 5.7.0, transport/redis.py).
PRIORITY_STEPS = (0, 3, 6, 9)
# Between kombu's queue name and step; its own default is control bytes that KEDA's metric
# names cannot hold.
STEP_SEPARATOR = ":"
IN_FLIGHT = "in_flight"


@dataclass(frozen=True)
class Trigger:
    """One Redis key that KEDA counts: a list or a hash by its length."""

    name: str
    """An identifier in the scaling formula."""
    key: str
    """Before the broker's key prefix."""


def pending_keys(queue: str, spec: QueueSpec) -> tuple[str, ...]:
    """Redis keys that hold a queue's waiting messages, in the order they are served."""
    if spec.fair:
        return (pending_key(queue),)
    steps = PRIORITY_STEPS if spec.priorities else PRIORITY_STEPS[:1]
    return tuple(f"{queue}{STEP_SEPARATOR}{step}" if step else queue for step in steps)


def triggers(queues: Sequence[tuple[str, QueueSpec]], in_flight_key: str) -> tuple[Trigger, ...]:
    """One trigger per list of each queue, or its hash, and one for what the worker's pods hold."""
    pending = [
        Trigger(f"pending_{index}_{step}", key)
        for index, (name, spec) in enumerate(queues)
        for step, key in zip(PRIORITY_STEPS, pending_keys(name, spec), strict=False)
    ]
    return (*pending, Trigger(IN_FLIGHT, in_flight_key))


def formula(counted: Sequence[Trigger], pending_weight: float, kept_free: int) -> str:
    """KEDA's `scalingModifiers.formula`: slots wanted.

    Messages in flight have left the lists; without them a running task looks like an idle
    queue and its pod is taken away. A slot in use serves waiting messages as soon as a new one
    does, unless it is held for longer than they may wait: then, at weight 1, each waiting
    message asks for a slot of its own.
    """
    pending = " + ".join(trigger.name for trigger in counted if trigger.name != IN_FLIGHT)
    wanted = f"{pending} + {IN_FLIGHT}"
    if pending_weight != 1:
        wanted = f"max({IN_FLIGHT}, {pending_weight:.3g} * ({wanted}))"
    return f"{wanted} + {kept_free}" if kept_free else wanted
