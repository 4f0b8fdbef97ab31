"""Third parties' Helm releases, and the StorageClass of shared data."""

from pulumi import ComponentResource, Output, Resource, ResourceOptions
from pulumi_kubernetes.helm.v3 import Release
from pulumi_kubernetes.storage.v1 import StorageClass

from infra.manifests.releases import TIMEOUT_S, releases
from infra.manifests.storage_class import shared_storage
from infra.models.eks import STORAGE_CLASS
from infra.models.fleet import FleetConfig


class AddOns(ComponentResource):
    """What `infra.manifests.releases` lists, each after the one before: kinds before their use."""

    def __init__(
        self, config: FleetConfig, file_system_id: Output[str] | None, opts: ResourceOptions
    ) -> None:
        super().__init__("celery-fleet:add-ons:AddOns", "add-ons", None, opts)
        self.needs: list[Resource] = []
        if file_system_id is not None:
            self.needs.append(
                StorageClass(
                    "shared",
                    metadata={"name": STORAGE_CLASS},
                    opts=ResourceOptions(parent=self),
                    **shared_storage(file_system_id),
                )
            )
        before: list[Resource] = []
        for release in releases(config):
            before = [
                Release(
                    release.name,
                    name=release.name,
                    chart=release.chart,
                    version=release.version,
                    repository_opts={"repo": release.repository},
                    namespace=release.namespace,
                    create_namespace=True,
                    values=release.values,
                    timeout=TIMEOUT_S,
                    # A release that failed half-way is taken back, and the next `up` tries anew.
                    atomic=True,
                    opts=ResourceOptions(parent=self, depends_on=before),
                )
            ]
            self.needs += before
        self.register_outputs({})
