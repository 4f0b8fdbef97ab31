"""The pods that serve queues, and what scales them."""

from pulumi import ComponentResource, Resource, ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

from infra import names
from infra.components.runtime import PodRuntime, completed
from infra.manifests.deployment import worker_deployment
from infra.manifests.labels import metadata
from infra.manifests.pod_disruption_budget import is_budgeted, pod_disruption_budget
from infra.manifests.scaled_object import scaled_object
from infra.models.fleet import FleetConfig


class QueueWorkers(ComponentResource):
    """Deployment, ScaledObject and budget of one worker; KEDA, not Pulumi, owns the replicas."""

    def __init__(
        self,
        name: str,
        config: FleetConfig,
        runtime: PodRuntime,
        authentication: Resource,
        opts: ResourceOptions,
    ) -> None:
        super().__init__("celery-fleet:workers:QueueWorkers", name, None, opts)
        meta = metadata(names.worker_object(name), config.namespace, "worker", name)
        spec = completed(worker_deployment(config, name), runtime)
        deployment = Deployment(
            names.worker_object(name),
            # At zero replicas there is nothing to wait for, and a GPU node may take minutes.
            metadata=meta | {"annotations": {"pulumi.com/skipAwait": "true"}},
            spec=spec,
            opts=ResourceOptions(parent=self, depends_on=runtime.needs),
        )
        if is_budgeted(config, name):
            PodDisruptionBudget(
                names.worker_object(name),
                metadata=meta,
                spec=pod_disruption_budget(config, name),
                opts=ResourceOptions(parent=self, depends_on=[deployment]),
            )
        # Destroyed in reverse: a ScaledObject goes before what it scales and reads.
        CustomResource(
            names.worker_object(name),
            api_version="keda.sh/v1alpha1",
            kind="ScaledObject",
            metadata=meta,
            spec=scaled_object(config, name),
            opts=ResourceOptions(parent=self, depends_on=[deployment, authentication]),
        )
        self.register_outputs({"deployment": names.worker_object(name)})
