"""What a command about a running fleet needs: its project, stack, cluster and API."""

from dataclasses import dataclass
from functools import cached_property

from fleet import api_client, kubernetes, project, stack_config
from fleet.api_client import FleetApi
from fleet.kubernetes import Cluster
from fleet.project import Project
from infra.models.fleet import FleetConfig


@dataclass(frozen=True)
class Session:
    """One stack of one project; connections are made when they are first used."""

    project: Project
    stack: str

    @cached_property
    def config(self) -> FleetConfig:
        return stack_config.read(self.project.stack_file(self.stack))

    @cached_property
    def cluster(self) -> Cluster:
        return kubernetes.connect(self.project.kubeconfig)

    @cached_property
    def api(self) -> FleetApi:
        return api_client.connect(self.cluster, self.config.namespace)


def begin(stack: str | None) -> Session:
    """Find the project, and the stack that is meant: the given one, else the last one."""
    found = project.find()
    return Session(found, project.checked_stack_name(stack or found.current_stack()))
