"""What Grafana is given to show."""

from pulumi import ComponentResource, Resource, ResourceOptions
from pulumi_kubernetes.core.v1 import ConfigMap

from infra.manifests.dashboards import dashboard_files, dashboard_metadata
from infra.models.fleet import FleetConfig


class Dashboards(ComponentResource):
    """ConfigMaps of dashboards, in the fleet's own namespace."""

    def __init__(
        self, config: FleetConfig, stack: str, namespace: Resource, opts: ResourceOptions
    ) -> None:
        super().__init__("celery-fleet:dashboards:Dashboards", "dashboards", None, opts)
        child = ResourceOptions(parent=self, depends_on=[namespace])
        for name, files in dashboard_files(config, stack).items():
            ConfigMap(name, metadata=dashboard_metadata(config, name), data=files, opts=child)
        self.register_outputs({})
