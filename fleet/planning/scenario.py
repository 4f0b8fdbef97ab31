"""A worker of a stack as the simulator sees it: load, policy, infrastructure."""

from dataclasses import dataclass

from fleet.simulation import (
    Behavior,
    Burst,
    Delivery,
    Infrastructure,
    NodeGroup,
    QueueMetric,
    Rate,
    Rules,
    ScalingPolicy,
    Workload,
)
from infra.models.agreement import plan, visibility_s
from infra.models.broker import BrokerUse
from infra.models.cluster import NodeGroupSpec
from infra.models.fleet import FleetConfig
from infra.models.worker import WorkerSpec
from infra.sizing import WorkerPlan
from infra.sizing.limits import time_limit_s

_HPA_RATE_S = 15.0
_MIN_SPAN_S = 1800.0
_MAX_SPAN_S = 6 * 3600.0
# Enough tasks for a 95th percentile, few enough to simulate in a second.
_WANTED_TASKS = 4000


@dataclass(frozen=True)
class Scenario:
    """One worker under its own policy, in its normal load and in its declared burst."""

    name: str
    plan: WorkerPlan
    normal: Workload
    burst: Workload
    policy: ScalingPolicy
    infrastructure: Infrastructure


def scenario(fleet: FleetConfig, name: str) -> Scenario:
    """Put one worker of a stack before the simulator."""
    worker, derived = fleet.workers[name], plan(fleet, name)
    visible_s = visibility_s(fleet)
    limit_s = time_limit_s([fleet.queues[queue] for queue in worker.queues])
    return Scenario(
        name=name,
        plan=derived,
        normal=_normal(derived, limit_s),
        burst=_burst(derived, limit_s),
        policy=own_policy(
            derived,
            own_delivery(worker, derived, fleet.broker, visible_s),
            fleet.cluster.hpa_sync_period_s,
        ),
        infrastructure=infrastructure(worker, fleet.node_groups[worker.node_group]),
    )


def infrastructure(worker: WorkerSpec, group: NodeGroupSpec) -> Infrastructure:
    """What a new pod of the worker waits for; a node holds one of them where nodes are launched."""
    nodes = None if group.headroom else NodeGroup(group.launch_s, 1, group.image_pull_s)
    return Infrastructure(worker.start_s, nodes)


def own_delivery(
    worker: WorkerSpec, derived: WorkerPlan, broker: BrokerUse, visible_s: float
) -> Delivery:
    """How our image takes and acknowledges messages; `visible_s` is the broker's timeout."""
    return Delivery(
        concurrency=worker.concurrency,
        prefetch_multiplier=worker.prefetch_multiplier,
        disable_prefetch=not worker.takes_ahead,
        late_ack=True,
        grace_s=derived.grace_s,
        visibility_timeout_s=visible_s,
        leased=broker.delivery == "lease",
    )


def own_policy(derived: WorkerPlan, delivery: Delivery, hpa_s: int) -> ScalingPolicy:
    """The ScaledObject that a plan is rendered to."""
    at_once = (Rate("Pods", derived.max_replicas, _HPA_RATE_S),)
    return ScalingPolicy(
        name="celery-fleet",
        delivery=delivery,
        metric=QueueMetric(
            target=derived.concurrency,
            pending_weight=derived.slots.pending_weight,
            in_flight_weight=1.0,
            spare=derived.slots.kept_free,
            slots_serve_on=True,
        ),
        min_replicas=derived.min_replicas,
        max_replicas=derived.max_replicas,
        polling_interval_s=derived.polling_interval_s or 30.0,
        cooldown_s=derived.cooldown_period_s,
        behavior=Behavior(up=Rules(0.0, at_once), down=Rules(derived.cooldown_period_s, at_once)),
        hpa_period_s=hpa_s,
    )


def _normal(derived: WorkerPlan, limit_s: float) -> Workload:
    load = derived.load
    span_s = _WANTED_TASKS / load.per_s if load.per_s else _MAX_SPAN_S
    return Workload(
        span_s=min(max(span_s, _MIN_SPAN_S), _MAX_SPAN_S),
        rate_per_s=load.per_s,
        task_s=load.mean_s,
        task_cv=load.spread,
        limit_s=limit_s,
    )


def _burst(derived: WorkerPlan, limit_s: float) -> Workload:
    """The steady load with one burst on top, after the fleet has settled."""
    load, settled_s = derived.load, 300.0
    return Workload(
        span_s=settled_s + load.burst_s + 600.0,
        rate_per_s=load.per_s,
        bursts=(Burst(settled_s, load.burst, load.burst_s),),
        task_s=load.mean_s,
        task_cv=load.spread,
        limit_s=limit_s,
    )
