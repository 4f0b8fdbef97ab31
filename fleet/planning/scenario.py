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
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from infra.sizing import WorkerPlan, visibility_timeout_s

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
    group = fleet.node_groups[worker.node_group]
    nodes = None if group.headroom else NodeGroup(group.launch_s, 1, group.image_pull_s)
    delivery = Delivery(
        concurrency=worker.concurrency,
        prefetch_multiplier=worker.prefetch_multiplier,
        disable_prefetch=worker.prefetch_multiplier == 1,
        late_ack=True,
        grace_s=derived.grace_s,
        visibility_timeout_s=visibility_timeout_s(
            fleet.workers.values(), fleet.queues, fleet.broker.visibility_timeout_s
        ),
    )
    return Scenario(
        name=name,
        plan=derived,
        normal=_normal(derived),
        burst=_burst(derived),
        policy=_policy(derived, delivery, fleet.cluster.hpa_sync_period_s),
        infrastructure=Infrastructure(worker.start_s, nodes),
    )


def _policy(derived: WorkerPlan, delivery: Delivery, hpa_s: int) -> ScalingPolicy:
    at_once = (Rate("Pods", derived.max_replicas, _HPA_RATE_S),)
    return ScalingPolicy(
        name="celery-fleet",
        delivery=delivery,
        metric=QueueMetric(
            target=derived.concurrency,
            pending_weight=derived.slots.pending_weight,
            in_flight_weight=1.0,
            spare=derived.slots.spare,
        ),
        min_replicas=derived.min_replicas,
        max_replicas=derived.max_replicas,
        polling_interval_s=derived.polling_interval_s or 30.0,
        cooldown_s=derived.cooldown_period_s,
        behavior=Behavior(up=Rules(0.0, at_once), down=Rules(derived.cooldown_period_s, at_once)),
        hpa_period_s=hpa_s,
    )


def _normal(derived: WorkerPlan) -> Workload:
    load = derived.load
    span_s = _WANTED_TASKS / load.per_s if load.per_s else _MAX_SPAN_S
    return Workload(
        span_s=min(max(span_s, _MIN_SPAN_S), _MAX_SPAN_S),
        rate_per_s=load.per_s,
        task_s=load.mean_s,
        task_cv=load.spread,
    )


def _burst(derived: WorkerPlan) -> Workload:
    """The steady load with one burst on top, after the fleet has settled."""
    load, settled_s = derived.load, 300.0
    return Workload(
        span_s=settled_s + load.burst_s + 600.0,
        rate_per_s=load.per_s,
        bursts=(Burst(settled_s, load.burst, load.burst_s),),
        task_s=load.mean_s,
        task_cv=load.spread,
    )
