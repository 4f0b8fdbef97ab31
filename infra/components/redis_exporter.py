"""What tells Prometheus of the broker."""

from pulumi import ComponentResource, Resource, ResourceOptions
from pulumi_kubernetes.apps.v1 import Deployment

from infra import names
from infra.components.runtime import Login, annotated
from infra.manifests.broker import BROKER_CHECKSUM
from infra.manifests.labels import metadata
from infra.manifests.redis_exporter import redis_exporter_deployment
from infra.models.fleet import FleetConfig


class RedisExporter(ComponentResource):
    """Deployment `redis-exporter`, rolled when its login or the broker's address changes."""

    def __init__(
        self,
        config: FleetConfig,
        needs: tuple[Resource, ...],
        login: Login,
        opts: ResourceOptions,
    ) -> None:
        super().__init__("celery-fleet:broker:RedisExporter", names.REDIS_EXPORTER, None, opts)
        spec = redis_exporter_deployment(config)
        Deployment(
            names.REDIS_EXPORTER,
            metadata=metadata(names.REDIS_EXPORTER, config.namespace, names.REDIS_EXPORTER),
            spec=annotated(spec, BROKER_CHECKSUM, login.checksum),
            opts=ResourceOptions(parent=self, depends_on=[*needs, login.secret]),
        )
        self.register_outputs({"deployment": names.REDIS_EXPORTER})
