"""Sizes that are derived, not stated: grace, visibility timeout, scaling formula. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from infra.models.queue import QueueSpec
from infra.models.worker import WorkerSpec

# kombu's default `priority_steps`; 0 is served first (kombu 5.7.0, transport/redis.py).
PRIORITY_STEPS = (0, 3, 6, 9)
# Between kombu's queue name and step; its own default is control bytes that KEDA's metric
# names cannot hold.
STEP_SEPARATOR = ":"

_GRACE_MARGIN_S = 60
_VISIBILITY_MARGIN_S = 60


def grace_period_s(worker: WorkerSpec) -> int:
    """Seconds between SIGTERM and SIGKILL: a task at its hard limit still ends by itself."""
    return worker.time_limit_s + _GRACE_MARGIN_S


def visibility_timeout_s(workers: Iterable[WorkerSpec]) -> int:
    """Seconds after which Redis redelivers an unacknowledged message.

    One value for every app on the broker, since the shortest wins; above the longest time that
    a worker may hold a message, else a task runs twice.
    """
    longest = max(worker.time_limit_s + grace_period_s(worker) for worker in workers)
    return longest + _VISIBILITY_MARGIN_S


def pending_lists(queue: str, spec: QueueSpec) -> tuple[str, ...]:
    """Redis lists in which a queue's messages wait, in the order they are served."""
    steps = PRIORITY_STEPS if spec.priorities else PRIORITY_STEPS[:1]
    return tuple(f"{queue}{STEP_SEPARATOR}{step}" if step else queue for step in steps)


@dataclass(frozen=True)
class Trigger:
    """One Redis key that KEDA counts; a list's length or a hash's."""

    name: str
    """An identifier in the scaling formula."""
    key: str
    """Before the broker's key prefix."""


@dataclass(frozen=True)
class Scaling:
    """What KEDA counts for one worker, and how many pods that makes."""

    triggers: tuple[Trigger, ...]
    formula: str
    target: int
    """Messages one pod is to hold, waiting or running: its concurrency."""


def scaling(
    worker: WorkerSpec, queues: Sequence[tuple[str, QueueSpec]], in_flight_key: str
) -> Scaling:
    """Count what waits in every list of the worker's queues, and what its pods hold.

    Messages in flight have left the lists; without them a running task looks like an idle
    queue and its pod is taken away.
    """
    pending = [
        Trigger(f"pending_{index}_{step}", key)
        for index, (name, spec) in enumerate(queues)
        for step, key in zip(PRIORITY_STEPS, pending_lists(name, spec), strict=False)
    ]
    triggers = (*pending, Trigger("in_flight", in_flight_key))
    return Scaling(triggers, " + ".join(t.name for t in triggers), worker.concurrency)
