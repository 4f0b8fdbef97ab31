"""A seeded simulation of one Celery worker's replicas under KEDA and the HPA; pure, no clock.

Modelled: Poisson arrivals and bursts, spread task seconds; KEDA's poll, wake-up and cooldown; the
HPA's dead band, windows and rates; pod start, image pull once per node, node launch and release;
prefetch, acknowledgement, warm shutdown, kill after the grace period, redelivery after the
visibility timeout. Not modelled: priorities, ETA tasks, failing metrics, spot nodes, nodes shared
between workers.
"""

from fleet.simulation.infrastructure import Infrastructure, NodeGroup
from fleet.simulation.outcome import Outcome
from fleet.simulation.policy import (
    Behavior,
    CpuMetric,
    Delivery,
    LoadMetric,
    QueueMetric,
    Rate,
    Rules,
    ScalingPolicy,
)
from fleet.simulation.run import simulate
from fleet.simulation.workload import Burst, Workload

__all__ = [
    "Behavior",
    "Burst",
    "CpuMetric",
    "Delivery",
    "Infrastructure",
    "LoadMetric",
    "NodeGroup",
    "Outcome",
    "QueueMetric",
    "Rate",
    "Rules",
    "ScalingPolicy",
    "Workload",
    "simulate",
]
