"""The tools as the rehearsal gets them: where each lies and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tools:
    """Every program that a rehearsal starts, ready to run."""

    pulumi: Path
    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kubectl: Path
    keda_operator: Path
    keda_adapter: Path
    keda_crds: Path
    """A folder of CustomResourceDefinitions, one YAML file each, of the operator's release."""
    bin_dir: Path
    """Folder of the tools that were built; those from PATH are on PATH already."""
    origin: Mapping[str, str]
    """Maps a tool's name to `PATH <version>` or `built <version>`."""


@dataclass(frozen=True)
class ToolStatus:
    """What there is of one tool; nothing was built to find out."""

    name: str
    version: str
    origin: str
    """`PATH <version>` or `built <version>`; `to be built` where there is none yet."""
    path: Path | None
    problem: str | None
    """Why the next `ensure_tools` has to build it, if it has to."""
