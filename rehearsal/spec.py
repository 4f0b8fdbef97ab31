"""What a rehearsal stages: the nodes it declares, the images it maps, its control loops' pace."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt


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


class RehearsalSpec(_Frozen):
    """A whole stage; written as `spec.json` in the state folder."""

    nodes: tuple[NodeSpec, ...]
    images: tuple[ImageSpec, ...]
    hpa_sync_period_s: PositiveInt = 15
    """`--horizontal-pod-autoscaler-sync-period` of the controller manager; EKS allows 10-15."""
    broker_maxmemory_mib: PositiveInt = 256
