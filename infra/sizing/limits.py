"""How long a message may be held: grace of a pod, visibility timeout of the broker."""

from collections.abc import Iterable, Mapping, Sequence

from infra.models.broker import BrokerUse
from infra.models.queue import QueueSpec
from infra.models.worker import WorkerSpec

_GRACE_MARGIN_S = 60
_VISIBILITY_MARGIN_S = 60
# Leases are renewed four times in it; a managed broker's failover, of about a minute, lets none be.
_LEASED_VISIBILITY_S = 180


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
    broker: BrokerUse, workers: Iterable[WorkerSpec], queues: Mapping[str, QueueSpec]
) -> int:
    """Seconds after which Redis redelivers an unacknowledged message.

    One value for every app on the broker, since the shortest wins. Leases are renewed while a
    worker holds a message; without them it is above the longest time that any worker may hold one,
    else a task runs twice.
    """
    if broker.visibility_timeout_s is not None:
        return broker.visibility_timeout_s
    if broker.delivery == "lease":
        return _LEASED_VISIBILITY_S
    holds = [longest_hold_s(worker, [queues[q] for q in worker.queues]) for worker in workers]
    return max(holds) + _VISIBILITY_MARGIN_S
