"""Where the previews of a base live: its state backend, its cluster, the tools that reach them."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fleet import cluster_place, environment, kubernetes, stack_config
from fleet.cluster_place import ClusterElsewhere
from fleet.kubernetes import Cluster
from fleet.previews.kubeconfig import told_kubeconfig
from fleet.project import Project
from infra.models.cluster import ExistingCluster
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError
from rehearsal.toolchain import ensure_tools


@dataclass(frozen=True)
class Place:
    """A base stack and what its previews are made with.

    For a base of tier local it is the rehearsal's, as `fleet up` sets it up; for another one it is
    the user's own: backend and passphrase of the environment, and `kubeconfig`.
    """

    project: Project
    base: str
    config: FleetConfig
    pulumi: Path
    variables: Mapping[str, str]
    """On top of this process's environment."""

    @property
    def is_rehearsal(self) -> bool:
        return self.config.tier == "local"

    @cached_property
    def kubeconfig(self) -> str:
        """Path of it, or several as in KUBECONFIG: that one, else the base's own, else kubectl's.

        The base's own is there where the base makes its cluster.
        """
        if self.is_rehearsal:
            return str(self.project.kubeconfig)
        if named := os.environ.get(cluster_place.VARIABLE):
            return named
        return str(self.own_kubeconfig or Path.home() / ".kube" / "config")

    @cached_property
    def own_kubeconfig(self) -> Path | None:
        """The base's own, where it is the one that is used."""
        if self.is_rehearsal or os.environ.get(cluster_place.VARIABLE):
            return None
        makes = not isinstance(self.config.cluster, ExistingCluster)
        return told_kubeconfig(self.project, self.base, self.pulumi) if makes else None

    @property
    def environ(self) -> dict[str, str]:
        """Of every program that works on a preview."""
        return {**os.environ, **self.variables, cluster_place.VARIABLE: self.kubeconfig}

    @cached_property
    def kubectl(self) -> str:
        """The program.

        Raises:
            RehearsalError: it is not on PATH.

        """
        found = shutil.which("kubectl", path=self.environ["PATH"])
        if found is None:
            raise _missing("kubectl")
        return found

    def cluster(self, name: str, config: FleetConfig) -> Cluster:
        """The cluster, as a preview's own stack file names it."""
        if self.is_rehearsal:
            return kubernetes.connect(self.project.kubeconfig)
        return ClusterElsewhere(self.kubeconfig, name, config).connect()


def place(project: Project, base: str, report: Callable[[str], None]) -> Place:
    """Find what the previews of a base are made with.

    Raises:
        RehearsalError: the base has no stack file here, or is a preview itself; or pulumi is
            missing.

    """
    config = stack_config.read(project.stack_file(base))
    if config.tier == "preview":
        raise RehearsalError(
            what=f"stack {base} is a preview",
            why="previews live beside a stack with queues of its own, as staging",
            mend="name that stack: --base STACK",
        )
    if config.tier == "local":
        tools = ensure_tools(report)
        variables = environment.variables(project, [tools.bin_dir])
        return Place(project, base, config, tools.pulumi, variables)
    found = shutil.which("pulumi")
    if found is None:
        raise _missing("pulumi")
    return Place(project, base, config, Path(found), {})


def context(config: FleetConfig) -> str:
    """The kubeconfig's context of a preview."""
    cluster = config.cluster
    return cluster.context if isinstance(cluster, ExistingCluster) else ""


def kubectl_options(config: FleetConfig) -> list[str]:
    """What kubectl is told before its command, to mean a preview."""
    return [f"--context={context(config)}", f"--namespace={config.namespace}"]


def _missing(program: str) -> RehearsalError:
    return RehearsalError(
        what=f"{program} is not on PATH",
        why=f"previews beside a stack that is not of tier local use your own {program}",
        mend=f"install {program}, or put its folder on PATH",
    )
