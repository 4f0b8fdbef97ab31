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
from fleet.previews.kubeconfig import kept_kubeconfig
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
    """Where KUBECONFIG is looked for."""

    @cached_property
    def config(self) -> FleetConfig:
        return stack_config.read(self.project.stack_file(self.stack))

    @cached_property
    def elsewhere(self) -> ClusterElsewhere | None:
        """The stack's cluster, where it is not the rehearsal's.

        KUBECONFIG counts for stacks that do not live in the rehearsal. A preview among them has its
        base's own, too, where `fleet preview` has kept it.
        """
        named = str(self.kubeconfig or self._found() or "")
        if not named or named == str(self.project.kubeconfig):
            return None
        return ClusterElsewhere(named, self.stack, self.config)

    @cached_property
    def is_rehearsed(self) -> bool:
        """Whether the stack is of tier local, or a preview beside one that is.

        Raises:
            RehearsalError: its stack file is wrong or missing.

        """
        preview = self.config.preview
        if preview is None:
            return self.config.tier == "local"
        try:
            base = stack_config.read(self.project.stack_file(preview.base))
        except RehearsalError:
            # It went, or is broken: what is named leads there, as before.
            return False
        return base.tier == "local"

    @cached_property
    def cluster(self) -> Cluster:
        if self.elsewhere is not None:
            return self.elsewhere.connect()
        return kubernetes.connect(self.project.kubeconfig)

    @cached_property
    def api(self) -> FleetApi:
        forward = self.elsewhere.forward() if self.elsewhere is not None else None
        return api_client.connect(self.cluster, self.config.namespace, forward)

    def _found(self) -> str | Path | None:
        try:
            if self.is_rehearsed:
                return None
        except RehearsalError:
            # A wrong stack file is told by whoever needs what it states.
            return None
        named = self.environ.get(cluster_place.VARIABLE)
        if named or self.config.preview is None:
            return named
        kept = kept_kubeconfig(self.project, self.config.preview.base)
        return kept if kept.is_file() else None


def begin(stack: str | None, kubeconfig: Path | None = None) -> Session:
    """Find the project, and the stack that is meant: the given one, else the last one."""
    found = project.find()
    name = project.checked_stack_name(stack or found.current_stack())
    return Session(found, name, kubeconfig, os.environ)
