"""Who serves queues: one kind of worker, its process, its pod and its replica bounds."""

from typing import Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from infra.models.base import Spec
from infra.models.types import CpuQuantity, MemoryQuantity, NodeGroupName, QueueName


class Compute(Spec):
    """CPU and memory of a container."""

    cpu: CpuQuantity
    memory: MemoryQuantity


class Resources(Spec):
    """Requests and limits of a container, as in a pod."""

    requests: Compute = Compute(cpu="250m", memory="512Mi")
    limits: Compute = Compute(cpu="1", memory="1Gi")
    gpu: NonNegativeInt = 0
    """`nvidia.com/gpu`, request and limit alike; Kubernetes shares no GPU."""


class WorkerSpec(Spec):
    """One kind of worker: a Deployment whose replicas KEDA moves between the bounds."""

    queues: tuple[QueueName, ...] = ()
    """Queues it consumes; empty means the queue of its own name."""
    pool: Literal["prefork", "threads", "gevent", "solo"] = "prefork"
    concurrency: PositiveInt = 1
    """Tasks one pod runs at once."""
    max_tasks_per_child: PositiveInt = 100
    max_memory_per_child: PositiveInt | None = Field(default=None, alias="maxMemoryPerChildKiB")
    """Resident KiB after which a pool process is replaced, Celery's own unit."""
    soft_time_limit_s: PositiveInt = Field(default=1500, alias="softTimeLimitSeconds")
    """After this a task gets SoftTimeLimitExceeded."""
    time_limit_s: PositiveInt = Field(default=1800, alias="timeLimitSeconds")
    """After this a task's process is killed; the pod's grace period exceeds it."""
    resources: Resources = Resources()
    node_group: NodeGroupName = "cpu"
    min_replicas: NonNegativeInt = Field(default=0, alias="minReplicaCount")
    max_replicas: PositiveInt = Field(default=4, alias="maxReplicaCount")
    polling_interval_s: PositiveInt | None = Field(default=None, alias="pollingInterval")
    """Seconds between KEDA's looks while there is no replica; it means nothing else."""
    cooldown_period_s: PositiveInt = Field(default=300, alias="cooldownPeriod")
    """Idle seconds before the last replica goes, and the HPA's scale-down window."""

    @model_validator(mode="after")
    def _numbers_agree(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"minReplicaCount {self.min_replicas} is above maxReplicaCount {self.max_replicas}"
            )
        if self.soft_time_limit_s >= self.time_limit_s:
            raise ValueError(
                f"softTimeLimitSeconds {self.soft_time_limit_s} is not below timeLimitSeconds "
                f"{self.time_limit_s}: a task would be killed before it is warned"
            )
        if self.polling_interval_s is not None and self.min_replicas > 0:
            raise ValueError(
                f"pollingInterval {self.polling_interval_s} has no effect with minReplicaCount "
                f"{self.min_replicas}: KEDA polls only to leave zero"
            )
        return self
