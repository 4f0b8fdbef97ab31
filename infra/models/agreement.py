"""The rules that span parts of a stack; each problem names key, value, limit and reason."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from infra.models.aws_agreement import aws_problems
from infra.models.broker import BrokerUse, ExistingBroker
from infra.models.cluster import NodeGroupSpec
from infra.models.elasticache import ElastiCacheBroker
from infra.models.fairness import fairness_problems
from infra.models.guest_broker import GuestBroker
from infra.models.placement import group_problems, placement_problems
from infra.models.pool import pool_problems
from infra.models.prefetch import prefetch_problems
from infra.models.receivers import receiver_problems
from infra.models.references import reference_problems, resolves
from infra.models.tier import TIERS
from infra.models.worker import WorkerSpec
from infra.sizing.limits import (
    hand_back_s,
    longest_hold_s,
    longest_limit_s,
    time_limit_s,
    visibility_timeout_s,
)
from infra.sizing.plan import WorkerPlan, plan_worker

if TYPE_CHECKING:
    from infra.models.fleet import FleetConfig

# Seen: 10 of a pod with one slot, 16 with four, each a process; other pools hold fewer.
_CONNECTIONS_PER_POD = 8
_CONNECTIONS_PER_SLOT = 2
_CONNECTIONS_PER_TRIGGER = 1
_SHORTEST_LEASE_S = 60


def problems(fleet: "FleetConfig") -> Iterator[str]:
    """Every disagreement in the stack; none means that it can be rendered.

    A worker that names what is not there is told so, and left out of the rest.
    """
    yield from reference_problems(fleet)
    yield from group_problems(fleet.node_groups)
    yield from fairness_problems(fleet)
    yield from aws_problems(fleet)
    yield from receiver_problems(fleet)
    yield from _preview(fleet)
    workers = {name: w for name, w in fleet.workers.items() if resolves(w, fleet)}
    plans = {name: plan(fleet, name) for name in workers}
    broker = fleet.broker
    visible_s = visibility_timeout_s(broker, workers.values(), fleet.queues) if workers else 0
    for name, worker in workers.items():
        yield from pool_problems(name, worker)
        yield from prefetch_problems(name, fleet)
        yield from placement_problems(name, worker, fleet.node_groups[worker.node_group])
        yield from _time(name, plans[name].grace_s, visible_s, fleet)
        yield from _bounds(name, plans[name], fleet)
    yield from _lease(broker)
    yield from _confirmed(broker)
    yield from _connections(plans, broker.max_connections)


def _preview(fleet: "FleetConfig") -> Iterator[str]:
    if fleet.preview is not None and fleet.tier != "preview":
        yield (
            f"preview is stated, but tier is {fleet.tier!r}: `fleet preview reap` would take the "
            "stack down once its time is over; only stacks of tier preview have one"
        )


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


def visibility_s(fleet: "FleetConfig") -> int:
    """Seconds after which the stack's broker delivers again what nobody renews."""
    return visibility_timeout_s(fleet.broker, fleet.workers.values(), fleet.queues)


def _time(name: str, grace_s: int, visible_s: int, fleet: "FleetConfig") -> Iterator[str]:
    worker = fleet.workers[name]
    queues = [fleet.queues[queue] for queue in worker.queues]
    hard_s = time_limit_s(queues)
    if grace_s <= hard_s:
        yield (
            f"workers.{name}.terminationGracePeriodSeconds is {grace_s}, not above the hard limit "
            f"{hard_s} of its queues: a running task would be killed at a scale-in"
        )
    elif hand_back_s(grace_s) <= hard_s:
        yield (
            f"workers.{name}.terminationGracePeriodSeconds is {grace_s}: what still runs is handed "
            f"back after {hand_back_s(grace_s):g} s, not above the hard limit {hard_s} of its "
            "queues: a task in time would be cut short at a scale-in, and run again"
        )
    group = fleet.node_groups[worker.node_group]
    yield from _drain(name, grace_s, worker.node_group, group)
    hold_s = longest_hold_s(worker, queues, group.longest_drain_s)
    if fleet.broker.delivery == "stock" and visible_s <= hold_s:
        yield (
            f"broker.visibilityTimeoutSeconds is {visible_s}, not above the {hold_s} s that worker "
            f"{name} may hold a message (longest ETA + hard limit {hard_s} + grace {grace_s}): "
            "Redis would deliver it a second time while it runs (broker.delivery lease would not)"
        )


def _drain(name: str, grace_s: int, called: str, group: NodeGroupSpec) -> Iterator[str]:
    drain_s = group.longest_drain_s
    if drain_s is not None and grace_s >= drain_s:
        why = "the notice of spot" if group.spot and group.drain_s is None else "drainSeconds"
        yield (
            f"workers.{name}: grace {grace_s} s is not below the {drain_s} s that nodes of group "
            f"{called!r} wait when they go ({why}): its tasks would be killed; there is time for "
            f"a timeLimitSeconds of {longest_limit_s(drain_s)}"
        )


def _lease(broker: BrokerUse) -> Iterator[str]:
    visible_s = broker.visibility_timeout_s
    if broker.delivery == "lease" and visible_s is not None and visible_s < _SHORTEST_LEASE_S:
        yield (
            f"broker.visibilityTimeoutSeconds is {visible_s}, below {_SHORTEST_LEASE_S}: while a "
            "broker fails over no lease is renewed, and tasks would run a second time"
        )


def _confirmed(broker: ExistingBroker | ElastiCacheBroker | GuestBroker) -> Iterator[str]:
    if broker.confirm_replicas > broker.replicas:
        made = isinstance(broker, ElastiCacheBroker)
        stated = "nodes, less the primary" if made else "replicas"
        yield (
            f"broker.confirmReplicas is {broker.confirm_replicas}, above the {broker.replicas} "
            f"replicas that the broker has (broker.{stated}): no publish would be confirmed"
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
    yield from _caps(name, worker, derived.max_replicas, fleet)


def _caps(name: str, worker: WorkerSpec, replicas: int, fleet: "FleetConfig") -> Iterator[str]:
    slots = replicas * worker.concurrency
    for queue in worker.queues:
        cap = fleet.queues[queue].max_concurrency
        if cap is not None and slots > cap:
            yield (
                f"workers.{name}: {replicas} replicas of concurrency "
                f"{worker.concurrency} run {slots} tasks at once, above queues.{queue}."
                f"maxConcurrency {cap}: what its tasks call could not bear it"
            )


def _connections(plans: Mapping[str, WorkerPlan], most: int) -> Iterator[str]:
    total = 0
    for derived in plans.values():
        total += derived.max_replicas * (
            _CONNECTIONS_PER_POD + _CONNECTIONS_PER_SLOT * derived.concurrency
        )
        total += len(derived.triggers) * _CONNECTIONS_PER_TRIGGER
    if total > most:
        yield (
            f"broker.maxConnections is {most}, below the {total} "
            "connections of all workers at their maximum: the last ones would be refused"
        )
