"""How others scale the same worker, each as its own source publishes it.

Only the number of replicas allowed and the concurrency are made equal. `delivery` is what the peer
ships; replace it to see its scaling with other worker settings.
"""

from dataclasses import replace

from fleet.simulation.policy import (
    DEFAULT_UP,
    Behavior,
    CpuMetric,
    Delivery,
    LoadMetric,
    QueueMetric,
    Rate,
    Rules,
    ScalingPolicy,
)

_HOUR_S = 3600.0


def keda_defaults(max_replicas: int, concurrency: int) -> ScalingPolicy:
    """A redis trigger with nothing set but the list's name; Celery as it comes.

    Source: KEDA 2.21, listLength 5 (redis_scaler.go), pollingInterval 30
    (withtriggers_types.go), cooldownPeriod 300 (scale_executor.go), minReplicaCount 0.
    """
    return ScalingPolicy(
        name="KEDA defaults",
        delivery=Delivery(concurrency),
        metric=QueueMetric(target=5),
        min_replicas=0,
        max_replicas=max_replicas,
    )


def airflow_chart(max_replicas: int, concurrency: int) -> ScalingPolicy:
    """The apache/airflow chart: ceil((running + queued) / concurrency), one per replica.

    Source: chart/values.yaml, workers.keda: query, pollingInterval 5, cooldownPeriod 30,
    minReplicaCount 0, terminationGracePeriodSeconds 600; providers/celery default_celery.py:
    prefetch 1, late acks, visibility_timeout 86400.
    """
    return ScalingPolicy(
        name="Airflow chart",
        delivery=Delivery(
            concurrency,
            prefetch_multiplier=1,
            late_ack=True,
            grace_s=600.0,
            visibility_timeout_s=24 * _HOUR_S,
        ),
        metric=QueueMetric(target=concurrency, in_flight_weight=1.0, rounds_up=True),
        min_replicas=0,
        max_replicas=max_replicas,
        polling_interval_s=5.0,
        cooldown_s=30.0,
    )


def mitodl_generic(max_replicas: int, concurrency: int) -> ScalingPolicy:
    """mitodl/ol-infrastructure's component for any application's Celery workers.

    Source: components/services/k8s.py at 2bf5bca37 (2026-08): autoscale_queue_depth 10,
    pollingInterval 3, cooldownPeriod 10, scale-up window 300, min_replicas 1, prefetch 1, late
    acks; no grace period and no visibility timeout.
    """
    return ScalingPolicy(
        name="mitodl generic",
        delivery=Delivery(concurrency, prefetch_multiplier=1, late_ack=True),
        metric=QueueMetric(target=10),
        min_replicas=1,
        max_replicas=max_replicas,
        polling_interval_s=3.0,
        cooldown_s=10.0,
        behavior=Behavior(up=replace(DEFAULT_UP, window_s=300.0)),
    )


def mitodl_cms(max_replicas: int, concurrency: int) -> ScalingPolicy:
    """mitodl/ol-infrastructure's CMS worker, after its pods flapped 1-4-8-16-20-1-20.

    Source: applications/edxapp/k8s_autoscaling.py at 2bf5bca37 (2026-08): listLength 10,
    pollingInterval 60, cooldownPeriod 300, windows 300 up and 1800 down, one pod in 300 s down;
    k8s_resources.py: grace 600; config_builder.py: visibility_timeout 4 h. Its second trigger, on
    memory, is left out. The minimum is its stacks' least.
    """
    return ScalingPolicy(
        name="mitodl CMS",
        delivery=Delivery(
            concurrency,
            prefetch_multiplier=1,
            late_ack=True,
            grace_s=600.0,
            visibility_timeout_s=4 * _HOUR_S,
        ),
        metric=QueueMetric(target=10),
        min_replicas=1,
        max_replicas=max_replicas,
        polling_interval_s=60.0,
        behavior=Behavior(
            up=replace(DEFAULT_UP, window_s=300.0),
            down=Rules(window_s=1800.0, rates=(Rate("Pods", 1, 300.0),)),
        ),
    )


def cpu_hpa(max_replicas: int, concurrency: int) -> ScalingPolicy:
    """A HorizontalPodAutoscaler on CPU, with nothing set but its maximum; Celery as it comes.

    Source: Kubernetes 1.36, DefaultCPUUtilization 80 (pkg/apis/autoscaling/annotations.go),
    minReplicas 1 (v2/defaults.go).
    """
    return ScalingPolicy(
        name="CPU HPA 80 %",
        delivery=Delivery(concurrency),
        metric=CpuMetric(target_percent=80.0),
        min_replicas=1,
        max_replicas=max_replicas,
    )


def klippa(max_replicas: int, concurrency: int, min_replicas: int = 5) -> ScalingPolicy:
    """Klippa's external scaler: (active + queued) per slot, aimed at 70 %, as a Value metric.

    Source: klippa-app/keda-celery-scaler README at 9d86c78: scaleLoadValue 70, pollingInterval 5,
    cooldownPeriod 300, minReplicaCount 5 (here never above the maximum); main.go: always active.
    """
    return ScalingPolicy(
        name="Klippa",
        delivery=Delivery(concurrency),
        metric=LoadMetric(target_percent=70.0),
        min_replicas=min(min_replicas, max_replicas),
        max_replicas=max_replicas,
        polling_interval_s=5.0,
    )


def static(replicas: int, concurrency: int) -> ScalingPolicy:
    """A Deployment of fixed size; Celery as it comes."""
    return ScalingPolicy(
        name=f"static {replicas}",
        delivery=Delivery(concurrency),
        metric=None,
        min_replicas=replicas,
        max_replicas=replicas,
    )
