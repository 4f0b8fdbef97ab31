"""What a rehearsal stages: the nodes it declares, the images it maps, its control loops' pace."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveInt


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Taint(_Frozen):
    """A node's taint, in Kubernetes' own words."""

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class NodeSpec(_Frozen):
    """One node that the node agent registers; its capacity is declared, not measured."""

    name: str
    capacity: dict[str, str]
    """Kubernetes quantities by resource: `cpu`, `memory`, `pods`, `nvidia.com/gpu`."""
    labels: dict[str, str] = {}
    taints: tuple[Taint, ...] = ()
    image_pull_s: NonNegativeFloat = 0.0
    """How long the first pod of an image waits on this node; 0 where every image is there."""


class NodeGroup(_Frozen):
    """Nodes of one kind, launched and removed by the node autoscaler."""

    name: str
    """Its nodes are `<name>-<number>`."""
    minimum: NonNegativeInt
    maximum: PositiveInt
    launch_s: NonNegativeFloat
    """From the decision for a new node to the machine being there."""
    idle_s: NonNegativeFloat
    """How long a node without pods is kept."""
    capacity: dict[str, str]
    labels: dict[str, str] = {}
    taints: tuple[Taint, ...] = ()
    image_pull_s: NonNegativeFloat = 0.0

    def node(self, number: int) -> NodeSpec:
        """One of its nodes; those that are there at rest have their images."""
        pull_s = self.image_pull_s if number >= self.minimum else 0.0
        return NodeSpec(
            name=f"{self.name}-{number}",
            capacity=self.capacity,
            labels=self.labels,
            taints=self.taints,
            image_pull_s=pull_s,
        )


class ImageSpec(_Frozen):
    """How pods of one image repository run here: as local processes in this environment."""

    repository: str
    """The image without tag and digest, as the pods name it."""
    path: tuple[Path, ...]
    """Folders put in front of PATH; the pod's command is looked up there first."""
    env: dict[str, str] = {}
    """What the image itself would set (`ENV` of a Dockerfile)."""
    working_dir: Path
    """The image's WORKDIR."""
    programs: Mapping[str, Path] = {}
    """Programs that pods name by their path in the image, and where those are here."""


class RehearsalSpec(_Frozen):
    """A whole stage; written as `spec.json` in the state folder."""

    nodes: tuple[NodeSpec, ...]
    """Those that are always there."""
    images: tuple[ImageSpec, ...]
    node_groups: tuple[NodeGroup, ...] = ()
    """Those that come and go; without any, and without `aws`, no node autoscaler runs."""
    aws: bool = False
    """Whether AWS's stand-in runs too; its node groups join those above."""
    hpa_sync_period_s: PositiveInt = 15
    """`--horizontal-pod-autoscaler-sync-period` of the controller manager; EKS allows 10-15."""
    broker_maxmemory_mib: PositiveInt = 256

    def with_groups(self, more: Iterable[NodeGroup]) -> "RehearsalSpec":
        """The stage with the node groups of AWS's stand-in."""
        return self.model_copy(update={"node_groups": (*self.node_groups, *more)})

    def nodes_with(self, launched: "LaunchedNodes") -> tuple[NodeSpec, ...]:
        """Every node there is, given what the node autoscaler has launched."""
        return (*self.nodes, *launched.nodes(self.node_groups))


class LaunchedNodes(_Frozen):
    """What the node autoscaler has launched; written as `launched-nodes.json`."""

    numbers: Mapping[str, tuple[int, ...]] = {}
    """Numbers of the nodes, by group."""

    def nodes(self, groups: Iterable[NodeGroup]) -> tuple[NodeSpec, ...]:
        """Nodes of the groups that there are (still)."""
        return tuple(g.node(number) for g in groups for number in self.numbers.get(g.name, ()))
