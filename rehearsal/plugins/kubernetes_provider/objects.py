"""What a Kubernetes object is called: its kind, its name, its Pulumi ID and type."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

Manifest = dict[str, object]

SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
PATCH_FORCE = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER = "pulumi.com/patchFieldManager"
WAIT_FOR = "pulumi.com/waitFor"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"
AUTONAMED = "pulumi.com/autonamed"


@dataclass(frozen=True)
class Kind:
    """Group, version and kind of an object; the core group's name is empty."""

    group: str
    version: str
    name: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_built_in(self) -> bool:
        """Whether the API server itself defines it: a group without a dot, or below k8s.io."""
        return "." not in self.group or self.group.endswith(".k8s.io")

    def __str__(self) -> str:
        return f"{self.api_version}/{self.name}"


@dataclass(frozen=True)
class ObjectName:
    """One object of one cluster; the namespace is empty for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    @property
    def id(self) -> str:
        """Its Pulumi ID."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def cluster_scoped(self) -> "ObjectName":
        return replace(self, namespace="")

    def __str__(self) -> str:
        return f"{self.kind.name} {self.id}"


def kind_of_type(type_token: str) -> Kind:
    """The kind of a Pulumi type such as kubernetes:apps/v1:Deployment, kubernetes:core/v1:Pod."""
    _, module, name = type_token.split(":")
    group, _, version = module.rpartition("/")
    return Kind("" if group == "core" else group, version, name)


def kind_of(manifest: Mapping[str, object], fallback: Kind) -> Kind:
    """The kind a manifest states; `fallback` where it states none."""
    api_version, name = manifest.get("apiVersion"), manifest.get("kind")
    if not isinstance(api_version, str) or not isinstance(name, str):
        return fallback
    group, _, version = api_version.rpartition("/")
    return Kind("" if group == "core" else group, version, name)


def name_of(manifest: Mapping[str, object], fallback: Kind) -> ObjectName:
    metadata = mapping(manifest.get("metadata"))
    return ObjectName(
        kind_of(manifest, fallback), text(metadata.get("namespace")), text(metadata.get("name"))
    )


def name_of_id(kind: Kind, pulumi_id: str) -> ObjectName:
    namespace, _, name = pulumi_id.rpartition("/")
    return ObjectName(kind, namespace, name)


def annotations(manifest: Mapping[str, object]) -> Mapping[str, object]:
    return mapping(mapping(manifest.get("metadata")).get("annotations"))


def is_annotated(manifest: Mapping[str, object], key: str) -> bool:
    """Whether an annotation is "true"."""
    return annotations(manifest).get(key) == "true"


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is an object, else an empty one: fields may be absent or still unknown."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def at(manifest: object, *path: str) -> object:
    """The value below nested objects, None where one is missing."""
    for key in path:
        manifest = mapping(manifest).get(key)
    return manifest
