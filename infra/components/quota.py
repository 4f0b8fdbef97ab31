"""The bounds of a namespace that shares its cluster with the stack it is a preview of."""

from pulumi import ComponentResource, Resource, ResourceOptions
from pulumi_kubernetes.core.v1 import LimitRange, ResourceQuota

from infra import names
from infra.manifests.labels import metadata
from infra.manifests.quota import limit_range, resource_quota
from infra.models.fleet import FleetConfig


class Quota(ComponentResource):
    """ResourceQuota and LimitRange `bounds`; pods come after them."""

    def __init__(self, config: FleetConfig, namespace: Resource, opts: ResourceOptions) -> None:
        super().__init__("celery-fleet:quota:Quota", "bounds", None, opts)
        child = ResourceOptions(parent=self, depends_on=[namespace])
        meta = metadata(names.BOUNDS, config.namespace, "settings")
        quota = ResourceQuota(names.BOUNDS, metadata=meta, spec=resource_quota(config), opts=child)
        limits = LimitRange(names.BOUNDS, metadata=meta, spec=limit_range(config), opts=child)
        self.needs: tuple[Resource, ...] = (quota, limits)
        self.register_outputs({})
