"""What each of Celery's pools can do, and what is therefore refused."""

from collections.abc import Iterator

from infra.models.placement import mebibytes
from infra.models.worker import WorkerSpec

_KIB_PER_MIB = 1024


def pool_problems(name: str, worker: WorkerSpec) -> Iterator[str]:
    """Settings of a worker that its pool would ignore, and child processes its pod cannot hold."""
    if worker.pool == "prefork":
        yield from _prefork(name, worker)
        return
    # Celery 5.7.0: pools other than prefork are not supervised (concurrency/thread.py, solo.py).
    only = f"has no effect with pool {worker.pool}: only prefork replaces its processes"
    if worker.max_tasks_per_child is not None:
        yield f"workers.{name}.maxTasksPerChild {worker.max_tasks_per_child} {only}"
    if worker.max_memory_per_child is not None:
        yield f"workers.{name}.maxMemoryPerChildKiB {worker.max_memory_per_child} {only}"
    if not worker.tasks_keep_limits:
        yield (
            f"workers.{name}.pool is {worker.pool!r}, which enforces no time limit: a stuck task "
            "would hold its slot for ever, and outlast grace and visibility timeout. Use prefork, "
            "or state tasksKeepLimits: true if its tasks have timeouts of their own below their "
            "queues' limits"
        )
    if worker.pool == "solo" and worker.concurrency > 1:
        yield f"workers.{name}.concurrency {worker.concurrency} has no effect with pool solo"


def _prefork(name: str, worker: WorkerSpec) -> Iterator[str]:
    if worker.tasks_keep_limits:
        yield (
            f"workers.{name}.tasksKeepLimits is true, without effect with pool prefork, which "
            "ends tasks at their limits itself"
        )
    memory = worker.resources.limits.memory
    asked_kib = worker.concurrency * (worker.max_memory_per_child or 0)
    if asked_kib > mebibytes(memory) * _KIB_PER_MIB:
        yield (
            f"workers.{name}.maxMemoryPerChildKiB is {worker.max_memory_per_child}, which "
            f"{worker.concurrency} pool processes together reach at {asked_kib} KiB, above "
            f"resources.limits.memory {memory}: the pod would be killed before one is replaced"
        )
