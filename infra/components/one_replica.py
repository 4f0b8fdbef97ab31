"""What runs once in a fleet: the scheduler, and what looks after what no worker looks after."""

from typing import Literal

from pulumi import ComponentResource, ResourceOptions
from pulumi_kubernetes.apps.v1 import Deployment

from infra import names
from infra.components.runtime import PodRuntime, completed
from infra.manifests.deployment import beat_deployment, janitor_deployment
from infra.manifests.labels import metadata
from infra.models.fleet import FleetConfig

_SPECS = {names.BEAT: beat_deployment, names.JANITOR: janitor_deployment}


class OneReplica(ComponentResource):
    """Deployment `beat` or `janitor`: one replica, replaced and never doubled."""

    def __init__(
        self,
        name: Literal["beat", "janitor"],
        config: FleetConfig,
        runtime: PodRuntime,
        opts: ResourceOptions,
    ) -> None:
        super().__init__(f"celery-fleet:{name}:{name.title()}", name, None, opts)
        Deployment(
            name,
            metadata=metadata(name, config.namespace, name),
            spec=completed(_SPECS[name](config), runtime),
            opts=ResourceOptions(parent=self, depends_on=runtime.needs),
        )
        self.register_outputs({"deployment": name})
