"""The Kubernetes cluster that the fleet runs on, and its node groups."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from infra.models.base import Spec

# AWS, EC2 Spot interruption notices: two minutes before the instance is taken.
_SPOT_NOTICE_S = 120


class Taint(Spec):
    """A taint of a node group's nodes, in Kubernetes' words."""

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class NodeGroupSpec(Spec):
    """Nodes of one kind; what one of them offers to pods, costs, and takes to come."""

    nodes: NonNegativeInt = 1
    """How many are there at rest."""
    max_nodes: NonNegativeInt = Field(default_factory=lambda given: given.get("nodes", 1))
    """How many may be there: those beyond `nodes` come for pods that find no place, and go again.
    As many as `nodes`, unless stated."""
    cpu: PositiveInt
    memory_mib: PositiveInt = Field(alias="memoryMiB")
    gpu: NonNegativeInt = 0
    labels: Mapping[str, str] = {}
    taints: tuple[Taint, ...] = ()
    instance_type: str | None = None
    """Names its price in `prices`."""
    disk_gib: PositiveInt | None = Field(default=None, alias="diskGiB")
    """Of nodes that this stack starts; 50, and 150 where there are GPUs, whose images are large."""
    spot: bool = False
    """Cheaper nodes that are taken back at two minutes' notice."""
    launch_s: NonNegativeFloat = Field(default=120.0, alias="launchSeconds")
    """From the decision for a new node to the node being ready."""
    image_pull_s: NonNegativeFloat = Field(default=30.0, alias="imagePullSeconds")
    """For the worker image on a node that has not got it."""
    idle_s: NonNegativeFloat = Field(default=600.0, alias="idleSeconds")
    """How long a node beyond `nodes` is kept without pods; 600 is the Cluster Autoscaler's."""
    headroom: bool = Field(default_factory=lambda given: given.get("nodes", 1) > 0)
    """Whether a pod finds a warm place, as a rule: a node with room that has the image. It does
    where nodes are there at rest, unless stated."""
    drain_s: PositiveInt | None = Field(default=None, alias="drainSeconds")
    """Longest a node waits for its pods when it goes; unset means for ever, 120 on spot, where no
    more can be had."""

    @model_validator(mode="after")
    def _maximum_covers_rest(self) -> Self:
        if self.max_nodes < self.nodes:
            raise ValueError(
                f"maxNodes {self.max_nodes} is below nodes {self.nodes}: it is what the group "
                "may grow to"
            )
        if not self.max_nodes:
            raise ValueError("maxNodes is 0: no pod could ever run there")
        return self

    @model_validator(mode="after")
    def _spot_nodes_wait_for_nobody(self) -> Self:
        if self.spot and (self.drain_s or 0) > _SPOT_NOTICE_S:
            raise ValueError(
                f"drainSeconds {self.drain_s} is above {_SPOT_NOTICE_S}: a spot node is gone that "
                "long after its notice, whatever still runs there"
            )
        return self

    @property
    def longest_drain_s(self) -> int | None:
        return _SPOT_NOTICE_S if self.spot and self.drain_s is None else self.drain_s


class ExistingCluster(Spec):
    """A cluster found through KUBECONFIG."""

    kind: Literal["existing"]
    context: str
    """The only kubeconfig context that is used: a wrong cluster is refused, not filled."""
    storage_class: str
    """StorageClass of the fleet's shared data; it must allow ReadWriteMany."""
    storage: str = Field(default="10Gi", pattern=r"^[0-9]+(Mi|Gi|Ti)$")
    hpa_sync_period_s: PositiveInt = Field(default=15, alias="hpaSyncPeriodSeconds")
    """The controller manager's; 15 unless set (EKS allows 10 to 15)."""
