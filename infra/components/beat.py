"""The one scheduler of periodic tasks."""

from pulumi import ComponentResource, ResourceOptions
from pulumi_kubernetes.apps.v1 import Deployment

from infra import names
from infra.components.runtime import PodRuntime, completed
from infra.manifests.deployment import beat_deployment
from infra.manifests.labels import metadata
from infra.models.fleet import FleetConfig


class Beat(ComponentResource):
    """Deployment `beat`: one replica, replaced and never doubled."""

    def __init__(self, config: FleetConfig, runtime: PodRuntime, opts: ResourceOptions) -> None:
        super().__init__("celery-fleet:beat:Beat", "beat", None, opts)
        Deployment(
            names.BEAT,
            metadata=metadata(names.BEAT, config.namespace, "beat"),
            spec=completed(beat_deployment(config), runtime),
            opts=ResourceOptions(parent=self, depends_on=runtime.needs),
        )
        self.register_outputs({"deployment": names.BEAT})
