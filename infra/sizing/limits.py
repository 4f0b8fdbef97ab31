"""How long a message may be held: grace of a pod, visibility timeout of the broker."""

import math
from collections.abc import Iterable, Mapping, Sequence

from infra.models.broker import BrokerUse
from infra.models.queue import QueueSpec
from infra.models.worker import WorkerSpec

_GRACE_MARGIN_S = 60
# As worker_image/pod_deadline.py has them; a test holds them together.
_HAND_BACK_MARGIN_S = 15
_TASKS_PART = 0.75
_VISIBILITY_MARGIN_S = 60
# Leases are renewed four times in it; a managed broker's failover, of about a minute, lets none be.
_LEASED_VISIBILITY_S = 180


def time_limit_s(queues: Sequence[QueueSpec]) -> int:
    """Longest hard limit among a worker's queues."""
    return max(queue.time_limit_s for queue in queues)


def hand_back_s(grace_s: int) -> float:
    """Seconds after SIGTERM at which a worker hands back what still runs, before it is killed."""
    return max(grace_s - _HAND_BACK_MARGIN_S, grace_s * _TASKS_PART)


def grace_period_s(
    worker: WorkerSpec, queues: Sequence[QueueSpec], drain_s: int | None = None
) -> int:
    """Seconds between SIGTERM and SIGKILL: a task at its hard limit still ends by itself.

    Below `drain_s`, the longest that the worker's nodes wait when they go, where that lets it.
    """
    if worker.grace_s is not None:
        return worker.grace_s
    hard_s = time_limit_s(queues)
    ample_s = hard_s + _GRACE_MARGIN_S
    if drain_s is not None and hard_s <= longest_limit_s(drain_s):
        return min(ample_s, drain_s - 1)
    return ample_s


def longest_limit_s(drain_s: int) -> int:
    """Longest hard limit of tasks that end by themselves on nodes that wait so long; maybe 0."""
    return max(0, math.ceil(hand_back_s(drain_s - 1)) - 1)


def longest_hold_s(
    worker: WorkerSpec, queues: Sequence[QueueSpec], drain_s: int | None = None
) -> int:
    """Longest a pod may hold a message: waiting for its ETA, running, and being stopped."""
    eta = max(queue.max_eta_s for queue in queues)
    return eta + time_limit_s(queues) + grace_period_s(worker, queues, drain_s)


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
