"""What a killed pulumi left half-done: objects it was creating, which may exist or not.

Pulumi asks a person about each; the cluster knows the answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fleet.kubernetes import Cluster, Object


@dataclass(frozen=True)
class PendingCreate:
    """An object whose creation was under way."""

    urn: str
    api_version: str
    kind: str
    namespace: str | None
    name: str

    @property
    def resource_id(self) -> str:
        """The Kubernetes provider's id of the object."""
        return self.name if self.namespace is None else f"{self.namespace}/{self.name}"


def has_pending(state: Object) -> bool:
    """Whether an exported state has any operation under way."""
    return bool((state.get("deployment") or {}).get("pending_operations"))


def pending_creates(state: Object) -> Iterator[PendingCreate]:
    """Return the Kubernetes objects under creation in an exported state."""
    for operation in (state.get("deployment") or {}).get("pending_operations") or []:
        resource = operation["resource"]
        inputs = resource.get("inputs") or {}
        metadata = inputs.get("metadata") or {}
        if operation["type"] == "creating" and "kind" in inputs and "name" in metadata:
            yield PendingCreate(
                resource["urn"],
                inputs["apiVersion"],
                inputs["kind"],
                metadata.get("namespace"),
                metadata["name"],
            )


def refresh_arguments(creates: list[PendingCreate], cluster: Cluster) -> list[str]:
    """Arguments of `pulumi refresh` that adopt what exists and forget what does not."""
    arguments = ["--clear-pending-creates"]
    for create in creates:
        if exists(create, cluster):
            arguments += [f"--import-pending-creates={create.urn}"]
            arguments += [f"--import-pending-creates={create.resource_id}"]
    return arguments


def exists(create: PendingCreate, cluster: Cluster) -> bool:
    """Ask the cluster for the object."""
    group = "/api/v1" if create.api_version == "v1" else f"/apis/{create.api_version}"
    kinds = (cluster.get(group) or {}).get("resources") or []
    plural = next(
        (k["name"] for k in kinds if k["kind"] == create.kind and "/" not in k["name"]), None
    )
    place = f"/namespaces/{create.namespace}" if create.namespace else ""
    return plural is not None and cluster.get(f"{group}{place}/{plural}/{create.name}") is not None
