"""How long a message may be held: grace of a pod, visibility timeout of the broker."""

from collections.abc import Iterable, Mapping, Sequence

from infra.models.queue import QueueSpec
from infra.models.worker import WorkerSpec

_GRACE_MARGIN_S = 60
_VISIBILITY_MARGIN_S = 60


def time_limit_s(queues: Sequence[QueueSpec]) -> int:
    """Longest hard limit among a worker's queues."""
    return max(queue.time_limit_s for queue in queues)


def grace_period_s(worker: WorkerSpec, queues: Sequence[QueueSpec]) -> int:
    """Seconds between SIGTERM and SIGKILL: a task at its hard limit still ends by itself."""
    if worker.grace_s is not None:
        return worker.grace_s
    return time_limit_s(queues) + _GRACE_MARGIN_S


def longest_hold_s(worker: WorkerSpec, queues: Sequence[QueueSpec]) -> int:
    """Longest a pod may hold a message: waiting for its ETA, running, and being stopped."""
    eta = max(queue.max_eta_s for queue in queues)
    return eta + time_limit_s(queues) + grace_period_s(worker, queues)


def visibility_timeout_s(
    workers: Iterable[WorkerSpec], queues: Mapping[str, QueueSpec], stated: int | None = None
) -> int:
    """Seconds after which Redis redelivers an unacknowledged message.

    One value for every app on the broker, since the shortest wins; above the longest time that
    any worker may hold a message, else a task runs twice.
    """
    if stated is not None:
        return stated
    holds = [longest_hold_s(worker, [queues[q] for q in worker.queues]) for worker in workers]
    return max(holds) + _VISIBILITY_MARGIN_S
