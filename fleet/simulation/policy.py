"""What decides a worker's replicas, and how its pods take, acknowledge and give up tasks."""

import math
from dataclasses import dataclass, field
from typing import Literal

# Kubernetes' terminationGracePeriodSeconds where a pod states none.
KUBERNETES_GRACE_S = 30.0
# kombu's visibility_timeout on Redis (kombu 5.7.0, transport/redis.py).
KOMBU_VISIBILITY_TIMEOUT_S = 3600.0
# Celery's worker_prefetch_multiplier (celery 5.7.0, app/defaults.py).
CELERY_PREFETCH_MULTIPLIER = 4


@dataclass(frozen=True)
class Delivery:
    """How one pod's Celery process handles messages; the defaults are Celery's and Kubernetes'."""

    concurrency: int
    prefetch_multiplier: int = CELERY_PREFETCH_MULTIPLIER
    """Messages held per slot; 0 lifts the limit, as in Celery."""
    disable_prefetch: bool = False
    """Celery's `--disable-prefetch`: a message is taken only by a free slot."""
    late_ack: bool = False
    """Acknowledge when a task has ended, not when it begins."""
    grace_s: float = KUBERNETES_GRACE_S
    visibility_timeout_s: float = KOMBU_VISIBILITY_TIMEOUT_S
    leased: bool = False
    """What a living worker holds is renewed, and never delivered a second time."""

    @property
    def capacity(self) -> float:
        """Messages one pod holds at most, running or waiting.

        Late acknowledgement counts running tasks against the prefetch limit; early does not.
        """
        if self.disable_prefetch:
            return self.concurrency
        if self.prefetch_multiplier == 0:
            return math.inf
        held = self.prefetch_multiplier * self.concurrency
        return held if self.late_ack else held + self.concurrency


@dataclass(frozen=True)
class QueueMetric:
    """Messages per replica as KEDA's AverageValue: weighted in flight + spare + weighted pending.

    In flight is the length of kombu's unacknowledged hash, pending that of the lists.
    """

    target: float
    pending_weight: float = 1.0
    in_flight_weight: float = 0.0
    spare: float = 0.0
    slots_serve_on: bool = False
    """Slots in flight serve waiting messages too: the larger of those in flight and the weighted
    sum of both, not the sum of the one and the weighted other."""
    rounds_up: bool = False
    """The quotient is rounded before the HPA sees it, which narrows its dead band."""

    def value(self, pending: int, in_flight: int) -> float:
        """The metric; active above 0."""
        held = self.in_flight_weight * in_flight
        if self.slots_serve_on:
            counted = self.spare + max(held, self.pending_weight * (pending + held))
        else:
            counted = self.spare + held + self.pending_weight * pending
        return math.ceil(counted / self.target) if self.rounds_up else counted

    @property
    def per_replica(self) -> float:
        """What the HPA wants of `value` for each replica."""
        return 1.0 if self.rounds_up else self.target


@dataclass(frozen=True)
class LoadMetric:
    """(Active + queued) per slot in percent, as a Value metric: times the ready replicas."""

    target_percent: float


@dataclass(frozen=True)
class CpuMetric:
    """CPU in percent of the pods' requests; a busy slot uses its whole share."""

    target_percent: float


Metric = QueueMetric | LoadMetric | CpuMetric


@dataclass(frozen=True)
class Rate:
    """One HPA policy: change at most `value` pods, or percent, in any `period_s` seconds."""

    kind: Literal["Pods", "Percent"]
    value: int
    period_s: float


@dataclass(frozen=True)
class Rules:
    """One direction of an HPA's behavior."""

    window_s: float
    rates: tuple[Rate, ...]
    select: Literal["Max", "Min", "Disabled"] = "Max"


# Kubernetes' own where a behavior leaves a direction out (pkg/apis/autoscaling/v2/defaults.go).
DEFAULT_UP = Rules(0.0, (Rate("Pods", 4, 15.0), Rate("Percent", 100, 15.0)))
DEFAULT_DOWN = Rules(300.0, (Rate("Percent", 100, 15.0),))


@dataclass(frozen=True)
class Behavior:
    """An HPA's behavior; without one the HPA keeps its older, slower rule for growth."""

    up: Rules = field(default=DEFAULT_UP)
    down: Rules = field(default=DEFAULT_DOWN)


@dataclass(frozen=True)
class ScalingPolicy:
    """One ScaledObject (or HPA, or fixed number) and the worker settings that go with it."""

    name: str
    delivery: Delivery
    metric: Metric | None
    """None: `min_replicas` for ever."""
    min_replicas: int
    max_replicas: int
    polling_interval_s: float = 30.0
    cooldown_s: float = 300.0
    idle_at_zero: bool = False
    """KEDA's `idleReplicaCount: 0`, the one value that works with the HPA."""
    behavior: Behavior | None = None
    tolerance: float = 0.1
    hpa_period_s: float = 15.0
    deletion_cost: bool = False
    """Workers state their running tasks as pod-deletion-cost, so idle pods go first."""

    def __post_init__(self) -> None:
        """Refuse what Kubernetes or KEDA would refuse.

        Raises:
            ValueError: bounds out of order, no period, or a plain HPA that should reach zero.

        """
        if not 0 <= self.min_replicas <= self.max_replicas:
            raise ValueError(f"{self.name}: bounds {self.min_replicas}..{self.max_replicas}")
        if min(self.polling_interval_s, self.hpa_period_s) <= 0:
            raise ValueError(f"{self.name}: the polling interval and HPA period are above 0")
        if isinstance(self.metric, CpuMetric) and self.min_replicas == 0:
            raise ValueError(
                f"{self.name}: an HPA on CPU cannot reach 0; minReplicas is at least 1"
            )

    @property
    def rest_replicas(self) -> int:
        """Replicas while there has been no task for long."""
        return 0 if self.idle_at_zero else self.min_replicas
