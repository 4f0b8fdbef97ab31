"""Who serves queues: one kind of worker, its process, its pod, and what it overrides."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from infra.models.base import Spec
from infra.models.types import CpuQuantity, MemoryQuantity, NodeGroupName, NodeName, QueueName


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
    """One kind of worker: a Deployment whose replicas KEDA moves.

    Bounds and periods that are left out are derived from the objectives of its queues.
    """

    queues: tuple[QueueName, ...] = ()
    """Queues it consumes; empty means the queue of its own name."""
    node_name: NodeName | None = None
    """Celery's name of its nodes, before the `@`; `worker-<name>` unless stated."""
    pool: Literal["prefork", "threads", "gevent", "solo"] = "prefork"
    tasks_keep_limits: bool = False
    """Whether its tasks end within their limits by themselves; only prefork ends them."""
    concurrency: PositiveInt = 1
    """Tasks one pod runs at once."""
    prefetch_multiplier: PositiveInt = 1
    """Messages held for each slot; 1 takes none but for a free slot, and more is for tasks of
    milliseconds."""
    max_tasks_per_child: PositiveInt | None = None
    """Tasks after which a process of pool prefork is replaced; unless stated, as many as it does in
    ten minutes, and at least 100."""
    max_memory_per_child: PositiveInt | None = Field(default=None, alias="maxMemoryPerChildKiB")
    """Resident KiB after which a process of pool prefork is replaced, Celery's own unit."""
    resources: Resources = Resources()
    node_group: NodeGroupName = "cpu"
    start_s: PositiveFloat = Field(default=10.0, alias="startSeconds")
    """From a pod placed on a node that has the image to its first task."""
    min_replicas: NonNegativeInt | None = Field(default=None, alias="minReplicaCount")
    max_replicas: PositiveInt | None = Field(default=None, alias="maxReplicaCount")
    polling_interval_s: PositiveInt | None = Field(default=None, alias="pollingInterval")
    """Seconds between KEDA's looks while there is no replica; it means nothing else."""
    cooldown_period_s: PositiveInt | None = Field(default=None, alias="cooldownPeriod")
    """Idle seconds before the last replica goes, and the HPA's scale-down window."""
    grace_s: PositiveInt | None = Field(default=None, alias="terminationGracePeriodSeconds")
    """Seconds between SIGTERM and SIGKILL; above the longest hard limit it serves."""
    pod_deletion_cost: bool = False
    """Whether its idle pods go first at a scale-in. Its pods then hold a token to patch themselves,
    beside whatever their tasks run, and the stack makes a cluster-wide admission policy that keeps
    it to that; without it a busy pod drains just as safely, but on a node that might have gone."""

    @property
    def takes_ahead(self) -> bool:
        """Whether it holds messages beyond the tasks it runs."""
        return self.prefetch_multiplier > 1
