"""The Kubernetes cluster that the fleet runs on, and its node groups."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from infra.models.base import Spec


class Taint(Spec):
    """A taint of a node group's nodes, in Kubernetes' words."""

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class NodeGroupSpec(Spec):
    """Nodes of one kind; what one of them offers to pods."""

    nodes: NonNegativeInt = 1
    cpu: PositiveInt
    memory_mib: PositiveInt = Field(alias="memoryMiB")
    gpu: NonNegativeInt = 0
    labels: Mapping[str, str] = {}
    taints: tuple[Taint, ...] = ()


class ExistingCluster(Spec):
    """A cluster found through KUBECONFIG."""

    kind: Literal["existing"]
    context: str
    """The only kubeconfig context that is used: a wrong cluster is refused, not filled."""
    storage_class: str
    """StorageClass of the fleet's shared data; it must allow ReadWriteMany."""
    storage: str = Field(default="10Gi", pattern=r"^[0-9]+(Mi|Gi|Ti)$")
