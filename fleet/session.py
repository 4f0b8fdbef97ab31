"""What a command about a running fleet needs: its project, stack, cluster and API."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fleet import api_client, cluster_place, kubernetes, project, stack_config
from fleet.api_client import FleetApi
from fleet.cluster_place import ClusterElsewhere
from fleet.kubernetes import Cluster
from fleet.project import Project
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError


@dataclass(frozen=True)
class Session:
    """One stack of one project; connections are made when they are first used."""

    project: Project
    stack: str
    kubeconfig: Path | None = None
    """Named by the operator."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Where KUBECONFIG is looked for; without it the cluster is the rehearsal's."""

    @cached_property
    def config(self) -> FleetConfig:
        return stack_config.read(self.project.stack_file(self.stack))

    @cached_property
    def elsewhere(self) -> ClusterElsewhere | None:
        """The stack's cluster, where it is not the rehearsal's.

        KUBECONFIG counts for stacks that are not of tier local: those live in the rehearsal.
        """
        named = str(self.kubeconfig or self.environ.get(cluster_place.VARIABLE, ""))
        if not named or named == str(self.project.kubeconfig):
            return None
        if self.kubeconfig is None and self._is_local():
            return None
        return ClusterElsewhere(named, self.stack, self.config)

    @cached_property
    def cluster(self) -> Cluster:
        if self.elsewhere is not None:
            return self.elsewhere.connect()
        return kubernetes.connect(self.project.kubeconfig)

    @cached_property
    def api(self) -> FleetApi:
        forward = self.elsewhere.forward() if self.elsewhere is not None else None
        return api_client.connect(self.cluster, self.config.namespace, forward)

    def _is_local(self) -> bool:
        try:
            return self.config.tier == "local"
        except RehearsalError:
            # A wrong stack file is told by whoever needs what it states.
            return True


def begin(stack: str | None, kubeconfig: Path | None = None) -> Session:
    """Find the project, and the stack that is meant: the given one, else the last one."""
    found = project.find()
    name = project.checked_stack_name(stack or found.current_stack())
    return Session(found, name, kubeconfig, os.environ)
