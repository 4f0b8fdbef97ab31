"""What lets a worker annotate its own pod, and nothing else of the cluster."""

from collections.abc import Sequence

from infra import names
from infra.manifests import Manifest
from infra.models.fleet import FleetConfig

# Where Kubernetes mounts a pod's token, CA and namespace.
SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"
# Bound tokens name their pod in the user's extra attributes (Kubernetes 1.30 and later).
_POD_OF_TOKEN = "authentication.kubernetes.io/pod-name"  # noqa: S105 - an attribute's name


def telling_workers(config: FleetConfig) -> list[str]:
    """Workers whose pods tell their deletion cost."""
    return [name for name, worker in config.workers.items() if worker.pod_deletion_cost]


def role_rules() -> list[Manifest]:
    """Rules of the Role: RBAC knows no `own pod`, so the admission policy says which."""
    return [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]


def subjects(config: FleetConfig, workers: Sequence[str]) -> list[Manifest]:
    """Subjects of the RoleBinding."""
    return [
        {
            "kind": "ServiceAccount",
            "name": names.worker_object(worker),
            "namespace": config.namespace,
        }
        for worker in workers
    ]


def admission_policy(config: FleetConfig, workers: Sequence[str]) -> Manifest:
    """Spec of the ValidatingAdmissionPolicy: a worker's token changes annotations of its own pod.

    Without it, a patch of another pod's image would run anything under that pod's secrets.
    """
    accounts = ", ".join(
        f"'system:serviceaccount:{config.namespace}:{names.worker_object(worker)}'"
        for worker in workers
    )
    of_token = f"request.userInfo.extra['{_POD_OF_TOKEN}']"
    known = f"'{_POD_OF_TOKEN}' in request.userInfo.extra"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": config.namespace}},
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["UPDATE"],
                    "resources": ["pods"],
                }
            ],
        },
        "matchConditions": [
            {"name": "by-a-worker", "expression": f"request.userInfo.username in [{accounts}]"}
        ],
        "validations": [
            {
                "expression": f"{known} && {of_token}[0] == object.metadata.name",
                "message": "a worker may change its own pod only",
            },
            {
                "expression": "object.spec == oldObject.spec "
                "&& object.metadata.labels == oldObject.metadata.labels",
                "message": "a worker may change annotations only",
            },
        ],
    }


def admission_binding(config: FleetConfig) -> Manifest:
    """Spec of the ValidatingAdmissionPolicyBinding."""
    return {"policyName": names.own_pod(config.namespace), "validationActions": ["Deny"]}
