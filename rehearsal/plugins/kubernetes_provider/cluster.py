"""One cluster as a configured provider uses it: requests about objects, not about paths."""

import threading
from dataclasses import dataclass, field

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider.api import APPLY, Answer, Api, ApiError
from rehearsal.plugins.kubernetes_provider.discovery import Discovery, Endpoint
from rehearsal.plugins.kubernetes_provider.kubeconfig import Access
from rehearsal.plugins.kubernetes_provider.objects import Kind, Manifest, ObjectName
from rehearsal.plugins.kubernetes_provider.replacement import Mutability


@dataclass(frozen=True)
class Behaviour:
    """What the provider's configuration changes, besides which cluster."""

    mutability: Mutability = field(default_factory=Mutability)
    upsert: bool = False
    """Whether a create takes over an object that exists already."""
    force: bool = False
    """Whether fields are taken from other owners without asking."""


@dataclass(frozen=True)
class Apply:
    """How a manifest is applied."""

    manager: str
    force: bool
    dry_run: bool


class UnknownKindError(RehearsalError):
    """The API server serves no such kind (yet)."""


class Cluster:
    """A cluster, its default namespace, and the event that ends every wait."""

    def __init__(self, access: Access, behaviour: Behaviour, cancelled: threading.Event) -> None:
        self.behaviour = behaviour
        self.namespace = access.namespace
        self.cancelled = cancelled
        self._api = Api(access, cancelled)
        self._discovery = Discovery(self._api)

    def knows(self, kind: Kind) -> bool:
        return self._discovery.find(kind) is not None

    def is_namespaced(self, kind: Kind) -> bool:
        """Whether the kind's objects live in namespaces; of a kind not known yet it is assumed."""
        endpoint = self._discovery.find(kind)
        return endpoint is None or endpoint.is_namespaced

    def get(self, target: ObjectName) -> Manifest | None:
        """The live object, None if there is none (or no such kind any more)."""
        endpoint = self._discovery.find(target.kind)
        if endpoint is None:
            return None
        try:
            return self._api.get(endpoint.path(target))
        except ApiError as error:
            if error.is_missing:
                return None
            raise

    def apply(self, target: ObjectName, manifest: Manifest, how: Apply) -> Answer:
        query = {"fieldManager": how.manager, "force": "true" if how.force else "false"}
        if how.dry_run:
            query["dryRun"] = "All"
        path = self._endpoint(target.kind).path(target)
        return self._api.send("PATCH", path, query, manifest, APPLY)

    def delete(self, target: ObjectName, propagation: str) -> None:
        """Ask for the object's end; one that is gone already is as good."""
        endpoint = self._discovery.find(target.kind)
        if endpoint is None:
            return
        options: Manifest = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": propagation,
        }
        try:
            self._api.send("DELETE", endpoint.path(target), {}, options)
        except ApiError as error:
            if not error.is_missing:
                raise

    def pods(self, namespace: str, labels: dict[str, str]) -> list[Manifest]:
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        path = f"/api/v1/namespaces/{namespace}/pods"
        items = self._api.get(path, {"labelSelector": selector}).get("items")
        return items if isinstance(items, list) else []

    def _endpoint(self, kind: Kind) -> Endpoint:
        endpoint = self._discovery.find(kind)
        if endpoint is not None:
            return endpoint
        raise UnknownKindError(
            f"the API server serves no {kind}",
            "no such kind is built in, and no CustomResourceDefinition defines it",
            "create the CustomResourceDefinition first, or correct apiVersion and kind",
        )
