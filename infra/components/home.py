"""Where the fleet lives: its namespace, the settings its image reads, the data its tasks share."""

from pulumi import ComponentResource, ResourceOptions
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, PersistentVolumeClaim

from infra import names
from infra.manifests.labels import labels, metadata
from infra.manifests.preview import preview_marks
from infra.manifests.settings import data_claim, settings_document
from infra.models.fleet import FleetConfig


class Home(ComponentResource):
    """Namespace at Pod Security `restricted`, ConfigMap `celery-settings`, claim `data`."""

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
        self.data = PersistentVolumeClaim(
            "data",
            metadata=metadata(names.DATA, config.namespace, "settings"),
            spec=data_claim(config),
            opts=child,
        )
        self.register_outputs({"namespace": config.namespace})
