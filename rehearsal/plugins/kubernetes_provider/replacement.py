"""Which changes an object does not survive: the API server would refuse them in place.

The table is the official provider's (provider/pkg/provider/diff.go, 4.33), plus what the API server
(1.36) refuses besides: a ReplicaSet's selector, further fields of a claim, of a StorageClass. Like
the official one, ConfigMaps and Secrets are replaced when their data change, unless the provider is
configured with `enableConfigMapMutable`, `enableSecretMutable`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.plugins.kubernetes_provider.objects import Kind
from rehearsal.plugins.paths import Path

ANY = "*"

ALWAYS = ("metadata.name", "metadata.namespace", "kind")
SELECTOR = ("spec.selector",)
CLAIM = "accessModes selector storageClassName volumeName volumeMode dataSource"
POD = """
affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC
hostNetwork hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy
priority priorityClassName readinessGates restartPolicy runtimeClassName schedulerName
securityContext serviceAccount serviceAccountName shareProcessNamespace subdomain
terminationGracePeriodSeconds volumes
"""
CONTAINER = """
args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources
securityContext stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices
volumeMounts workingDir
"""
VOLUME_SOURCES = """
awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk
glusterfs hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos
vsphereVolume
"""


def _below(parent: str, names: str) -> tuple[str, ...]:
    return tuple(f"{parent}.{name}" for name in names.split())


BY_KIND: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): SELECTOR,
    ("apps", "ReplicaSet"): SELECTOR,
    ("apps", "DaemonSet"): SELECTOR,
    ("apps", "StatefulSet"): (
        *SELECTOR,
        "spec.podManagementPolicy",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): (*SELECTOR, "spec.completions", "spec.parallelism", "spec.template"),
    ("", "PersistentVolume"): _below("spec", VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): _below("spec", CLAIM),
    ("", "Pod"): (
        *_below("spec", POD),
        *_below(f"spec.containers.{ANY}", CONTAINER),
        *_below(f"spec.initContainers.{ANY}", CONTAINER),
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Service"): ("spec.clusterIP",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): (
        "parameters",
        "provisioner",
        "reclaimPolicy",
        "volumeBindingMode",
    ),
}
SECRET_DATA = ("type", "data", "stringData")
CONFIG_MAP_DATA = ("data", "binaryData")


@dataclass(frozen=True)
class Mutability:
    """Whether the provider's configuration lets data change in place."""

    config_maps: bool = False
    secrets: bool = False


def replacing_fields(
    kind: Kind, old: Mapping[str, object], mutability: Mutability
) -> tuple[tuple[str, ...], ...]:
    """The paths below which any change replaces the object; `*` stands for any element."""
    fields = (*ALWAYS, *BY_KIND.get((kind.group, kind.name), ()))
    is_immutable = old.get("immutable") is True
    if (kind.group, kind.name) == ("", "Secret"):
        fields += SECRET_DATA if is_immutable or not mutability.secrets else ("type",)
    if (kind.group, kind.name) == ("", "ConfigMap") and (
        is_immutable or not mutability.config_maps
    ):
        fields += CONFIG_MAP_DATA
    return tuple(tuple(field.split(".")) for field in fields)


def replaces(path: Path, fields: tuple[tuple[str, ...], ...]) -> bool:
    """Whether a change at `path` touches one of the fields, at it, below it or by holding it."""
    return any(
        all(expected in (ANY, part) for expected, part in zip(field, path, strict=False))
        for field in fields
    )
