"""The accounts of workers that tell their pods' deletion cost."""

from pulumi import ComponentResource, Resource, ResourceOptions
from pulumi_kubernetes.admissionregistration.v1 import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)
from pulumi_kubernetes.core.v1 import Namespace, ServiceAccount
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding

from infra import names
from infra.manifests.labels import labels, metadata
from infra.manifests.own_pod import (
    admission_binding,
    admission_policy,
    role_rules,
    subjects,
    telling_workers,
)
from infra.models.fleet import FleetConfig


class OwnPod(ComponentResource):
    """A ServiceAccount for each of them, their Role, and a policy that keeps it to their pods."""

    def __init__(self, config: FleetConfig, namespace: Namespace, opts: ResourceOptions) -> None:
        super().__init__("celery-fleet:workers:OwnPod", "own-pod", None, opts)
        workers = telling_workers(config)
        child = ResourceOptions(parent=self, depends_on=[namespace])
        cluster_wide = {
            "name": names.own_pod(config.namespace),
            "labels": labels(config.namespace, "worker"),
        }
        policy = ValidatingAdmissionPolicy(
            "own-pod", metadata=cluster_wide, spec=admission_policy(config, workers), opts=child
        )
        binding = ValidatingAdmissionPolicyBinding(
            "own-pod",
            metadata=cluster_wide,
            spec=admission_binding(config),
            opts=ResourceOptions(parent=self, depends_on=[policy]),
        )
        # The policy first: no token is ever good for more.
        after = ResourceOptions(parent=self, depends_on=[namespace, binding])
        meta = metadata(names.OWN_POD, config.namespace, "worker")
        role = Role("own-pod", metadata=meta, rules=role_rules(), opts=after)
        granted = RoleBinding(
            "own-pod",
            metadata=meta,
            role_ref={
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": names.OWN_POD,
            },
            subjects=subjects(config, workers),
            opts=ResourceOptions(parent=self, depends_on=[role]),
        )
        accounts = [
            ServiceAccount(
                names.worker_object(worker),
                metadata=metadata(names.worker_object(worker), config.namespace, "worker", worker),
                # Its pods ask for the token themselves.
                automount_service_account_token=False,
                opts=child,
            )
            for worker in workers
        ]
        self.needs: tuple[Resource, ...] = (granted, *accounts)
        self.register_outputs({"accounts": [names.worker_object(worker) for worker in workers]})
