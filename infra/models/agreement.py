"""The rules that span parts of a stack; each problem names key, value, limit and reason."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra.models.aws_agreement import aws_problems
from infra.models.placement import placement_problems
from infra.models.tier import TIERS
from infra.models.worker import WorkerSpec
from infra.sizing.limits import grace_period_s, longest_hold_s, visibility_timeout_s
from infra.sizing.plan import WorkerPlan, plan_worker

if TYPE_CHECKING:
    from infra.models.fleet import FleetConfig

# Seen with one worker and one producer: a pod's main process holds 4, each pool process 1.
_CONNECTIONS_PER_POD = 4
_CONNECTIONS_PER_TRIGGER = 1


def problems(fleet: "FleetConfig") -> Iterator[str]:
    """Every disagreement in the stack; none means that it can be rendered."""
    dangling = [*_service(fleet), *_names(fleet)]
    yield from dangling
    yield from _routes(fleet)
    yield from aws_problems(fleet)
    if dangling:
        return  # what follows looks the names up
    for name, worker in fleet.workers.items():
        yield from placement_problems(name, worker, fleet)
        yield from _time(name, worker, fleet)
        yield from _bounds(name, plan(fleet, name), fleet)
    yield from _connections(fleet)


def plan(fleet: "FleetConfig", name: str) -> WorkerPlan:
    """Derived numbers of one worker of the stack."""
    worker = fleet.workers[name]
    return plan_worker(
        name,
        worker,
        [(queue, fleet.queues[queue]) for queue in worker.queues],
        fleet.node_groups[worker.node_group],
        TIERS[fleet.tier],
        hpa_s=fleet.cluster.hpa_sync_period_s,
    )


def _service(fleet: "FleetConfig") -> Iterator[str]:
    serving = defaultdict(list)
    for name, worker in fleet.workers.items():
        for queue in worker.queues:
            serving[queue].append(name)
            if queue not in fleet.queues:
                yield f"workers.{name}.queues names {queue!r}, which is not declared in queues"
    for queue in fleet.queues:
        if not serving[queue]:
            yield f"queues.{queue}: no worker serves it; messages would wait for ever"
        if len(serving[queue]) > 1:
            yield (
                f"queues.{queue} is served by {' and '.join(serving[queue])}: each would scale "
                "on the same list, and one restore what the other holds"
            )


def _routes(fleet: "FleetConfig") -> Iterator[str]:
    """A route's only glob is at its end, so two that match one task equally well are the same."""
    first: dict[str, str] = {}
    for name, queue in fleet.queues.items():
        for route in queue.routes:
            if (other := first.setdefault(route, name)) != name:
                yield (
                    f"queues.{name}.routes has {route!r}, as queues.{other}.routes has: the image "
                    "could not tell where to send its tasks"
                )


def _names(fleet: "FleetConfig") -> Iterator[str]:
    if fleet.profile != "full" and fleet.profile not in fleet.profiles:
        yield f"profile is {fleet.profile!r}, which is not one of full, {', '.join(fleet.profiles)}"
    if fleet.beat.maintenance_queue not in fleet.queues:
        yield (
            f"beat.maintenanceQueue is {fleet.beat.maintenance_queue!r}, which is not one of "
            f"the queues ({', '.join(fleet.queues)})"
        )
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


def _time(name: str, worker: WorkerSpec, fleet: "FleetConfig") -> Iterator[str]:
    queues = [fleet.queues[queue] for queue in worker.queues]
    hard, grace = max(q.time_limit_s for q in queues), grace_period_s(worker, queues)
    if grace <= hard:
        yield (
            f"workers.{name}.terminationGracePeriodSeconds is {grace}, not above the hard limit "
            f"{hard} of its queues: a running task would be killed at a scale-in"
        )
    drain = fleet.node_groups[worker.node_group].longest_drain_s
    if drain is not None and grace >= drain:
        yield (
            f"workers.{name}: grace {grace} s is not below the {drain} s that nodes of group "
            f"{worker.node_group!r} wait when they go (drainSeconds): its tasks would be killed"
        )
    stated = fleet.broker.visibility_timeout_s
    visible = visibility_timeout_s(fleet.workers.values(), fleet.queues, stated)
    hold = longest_hold_s(worker, queues)
    if visible <= hold:
        yield (
            f"broker.visibilityTimeoutSeconds is {visible}, not above the {hold} s that worker "
            f"{name} may hold a message (longest ETA + hard limit {hard} + grace {grace}): "
            "Redis would deliver it a second time while it runs"
        )


def _bounds(name: str, derived: WorkerPlan, fleet: "FleetConfig") -> Iterator[str]:
    worker = fleet.workers[name]
    if derived.min_replicas > derived.max_replicas:
        yield (
            f"workers.{name}: minReplicaCount {derived.min_replicas} is above maxReplicaCount "
            f"{derived.max_replicas} ({derived.reasons['maxReplicaCount']})"
        )
    if worker.polling_interval_s is not None and derived.min_replicas > 0:
        yield (
            f"workers.{name}.pollingInterval is {worker.polling_interval_s}, without effect at "
            f"minReplicaCount {derived.min_replicas}: KEDA polls only to leave zero"
        )
    slots = derived.max_replicas * worker.concurrency
    for queue in worker.queues:
        cap = fleet.queues[queue].max_concurrency
        if cap is not None and slots > cap:
            yield (
                f"workers.{name}: {derived.max_replicas} replicas of concurrency "
                f"{worker.concurrency} run {slots} tasks at once, above queues.{queue}."
                f"maxConcurrency {cap}: what its tasks call could not bear it"
            )


def _connections(fleet: "FleetConfig") -> Iterator[str]:
    total = 0
    for name, worker in fleet.workers.items():
        derived = plan(fleet, name)
        total += derived.max_replicas * (_CONNECTIONS_PER_POD + worker.concurrency)
        total += len(derived.triggers) * _CONNECTIONS_PER_TRIGGER
    if total > fleet.broker.max_connections:
        yield (
            f"broker.maxConnections is {fleet.broker.max_connections}, below the {total} "
            "connections of all workers at their maximum: the last ones would be refused"
        )
