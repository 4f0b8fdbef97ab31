"""Where the fleet lives: its namespace, the settings its image reads, the data its tasks share."""

from pulumi import ComponentResource, Resource, ResourceOptions
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, PersistentVolumeClaim

from infra import names
from infra.manifests.data import claims_data, data_claim
from infra.manifests.labels import labels, metadata
from infra.manifests.preview import preview_marks
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig


class Home(ComponentResource):
    """Namespace at Pod Security `restricted`, ConfigMap `celery-settings`, maybe claim `data`."""

    def __init__(self, config: FleetConfig, opts: ResourceOptions | None = None) -> None:
        super().__init__("celery-fleet:home:Home", "home", None, opts)
        self.namespace = Namespace(
            "namespace",
            metadata={
                "name": config.namespace,
                "labels": labels(config.namespace, "settings")
                | {"pod-security.kubernetes.io/enforce": "restricted"},
                **preview_marks(config),
            },
            opts=ResourceOptions(parent=self),
        )
        child = ResourceOptions(parent=self, depends_on=[self.namespace])
        self.settings = ConfigMap(
            "settings",
            metadata=metadata(names.SETTINGS, config.namespace, "settings"),
            data={"settings.json": settings_document(config)},
            opts=child,
        )
        self.needs: tuple[Resource, ...] = (self.namespace, self.settings)
        """What every pod of the fleet mounts, and where it is."""
        if claims_data(config):
            self.needs = (*self.needs, self._data(config, child))
        self.register_outputs({"namespace": config.namespace})

    def _data(self, config: FleetConfig, opts: ResourceOptions) -> PersistentVolumeClaim:
        return PersistentVolumeClaim(
            "data",
            metadata=metadata(names.DATA, config.namespace, "settings"),
            spec=data_claim(config),
            opts=opts,
        )
