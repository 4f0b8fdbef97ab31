"""Names in a stack file that point at other parts of it: each must be there, and be one only."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from infra.names import node_name

if TYPE_CHECKING:
    from infra.models.fleet import FleetConfig
    from infra.models.queue import QueueSpec
    from infra.models.worker import WorkerSpec


def reference_problems(fleet: "FleetConfig") -> Iterator[str]:
    """Names that lead nowhere, and names that lead to two places."""
    yield from _service(fleet)
    yield from _chosen(fleet)
    yield from _node_groups(fleet)
    yield from _node_names(fleet.workers)
    yield from _routes(fleet.queues)
    yield from _rate_limits(fleet.queues)


def resolves(worker: "WorkerSpec", fleet: "FleetConfig") -> bool:
    """Whether everything that a worker names is there."""
    known = set(worker.queues) <= set(fleet.queues)
    return known and worker.node_group in fleet.node_groups


def queue_taking(task: str, queues: Mapping[str, "QueueSpec"]) -> str | None:
    """The queue that a task is routed to, as the image decides: by the most specific route."""
    matching = [
        (route == task, len(route.removesuffix("*")), name)
        for name, queue in queues.items()
        for route in queue.routes
        if route == task or (route.endswith("*") and task.startswith(route[:-1]))
    ]
    return max(matching)[2] if matching else None


def _service(fleet: "FleetConfig") -> Iterator[str]:
    serving = defaultdict(list)
    for name, worker in fleet.workers.items():
        for queue in worker.queues:
            serving[queue].append(name)
            if queue not in fleet.queues:
                yield f"workers.{name}.queues names {queue!r}, which is not declared in queues"
    for queue in fleet.queues:
        if not serving[queue]:
            yield (
                f"queues.{queue}: no worker serves it, and none of its own name can be made; "
                "messages would wait for ever: name it in a worker's queues"
            )
        if len(serving[queue]) > 1:
            yield (
                f"queues.{queue} is served by {' and '.join(serving[queue])}: each would scale "
                "on the same list, and one restore what the other holds"
            )


def _chosen(fleet: "FleetConfig") -> Iterator[str]:
    if fleet.profile != "full" and fleet.profile not in fleet.profiles:
        yield f"profile is {fleet.profile!r}, which is not one of full, {', '.join(fleet.profiles)}"
    if fleet.beat.maintenance_queue not in fleet.queues:
        yield (
            f"beat.maintenanceQueue is {fleet.beat.maintenance_queue!r}, which is not one of "
            f"the queues ({', '.join(fleet.queues)})"
        )


def _node_groups(fleet: "FleetConfig") -> Iterator[str]:
    for name, worker in fleet.workers.items():
        if worker.node_group not in fleet.node_groups:
            yield (
                f"workers.{name}.nodeGroup is {worker.node_group!r}, which is not one of "
                f"nodeGroups ({', '.join(fleet.node_groups)})"
            )
    for name, group in fleet.node_groups.items():
        if fleet.prices and group.instance_type not in {None, *fleet.prices}:
            yield (
                f"nodeGroups.{name}.instanceType is {group.instance_type!r}, which has no price "
                f"in prices ({', '.join(fleet.prices)})"
            )


def _node_names(workers: Mapping[str, "WorkerSpec"]) -> Iterator[str]:
    first: dict[str, str] = {}
    for name, worker in workers.items():
        shown = node_name(name, worker.node_name)
        if (other := first.setdefault(shown, name)) != name:
            yield (
                f"workers.{name}: its nodes are called {shown}@<pod>, as those of workers.{other} "
                "are: `inspect` and logs could not tell them apart; state another nodeName"
            )


def _routes(queues: Mapping[str, "QueueSpec"]) -> Iterator[str]:
    """A route's only glob is at its end, so two that match one task equally well are the same."""
    first: dict[str, str] = {}
    for name, queue in queues.items():
        for route in queue.routes:
            if (other := first.setdefault(route, name)) != name:
                yield (
                    f"queues.{name}.routes has {route!r}, as queues.{other}.routes has: the image "
                    "could not tell where to send its tasks"
                )


def _rate_limits(queues: Mapping[str, "QueueSpec"]) -> Iterator[str]:
    """Celery keeps one rate for a task name, whatever queue a message of it came by."""
    first: dict[str, str] = {}
    for name, queue in queues.items():
        for task, rate in queue.rate_limits.items():
            taken = queue_taking(task, queues)
            if taken not in {None, name}:
                yield (
                    f"queues.{name}.rateLimits names {task!r}, whose route leads to "
                    f"queues.{taken}: state the {rate} there"
                )
            elif (other := first.setdefault(task, name)) != name:
                yield (
                    f"queues.{name}.rateLimits names {task!r}, as queues.{other}.rateLimits does: "
                    "a task has one rate"
                )
