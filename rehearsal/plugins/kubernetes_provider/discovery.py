"""Learns from the API server where the objects of a kind live."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.plugins.kubernetes_provider.api import Api, ApiError
from rehearsal.plugins.kubernetes_provider.objects import Kind, ObjectName


@dataclass(frozen=True)
class Endpoint:
    """Where a kind's objects are served."""

    root: str
    plural: str
    is_namespaced: bool

    def path(self, target: ObjectName) -> str:
        return f"{self.collection(target.namespace)}/{target.name}"

    def collection(self, namespace: str) -> str:
        if self.is_namespaced:
            return f"{self.root}/namespaces/{namespace}/{self.plural}"
        return f"{self.root}/{self.plural}"


class Discovery:
    """The kinds a cluster serves; kinds may come while a program runs, so misses are not kept."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._groups: dict[str, Mapping[str, Endpoint]] = {}

    def find(self, kind: Kind) -> Endpoint | None:
        """The kind's endpoint, None while the API server does not know the kind."""
        with self._lock:
            known = self._groups.get(kind.api_version, {})
            if kind.name not in known:
                known = self._groups[kind.api_version] = self._load(kind)
            return known.get(kind.name)

    def _load(self, kind: Kind) -> Mapping[str, Endpoint]:
        root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        try:
            listing = self._api.get(root)
        except ApiError as error:
            if error.is_missing:
                return {}
            raise
        resources = listing.get("resources")
        return {
            entry["kind"]: Endpoint(root, entry["name"], entry["namespaced"])
            for entry in (resources if isinstance(resources, list) else [])
            # Subresources such as deployments/scale come in the same list.
            if "/" not in entry["name"]
        }
