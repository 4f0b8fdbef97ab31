"""Objects of a preview that were told to go: waited for, and what holds those that stay."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fleet.kubernetes import Cluster, Object
from fleet.previews.kubectl import stuck
from fleet.previews.place import context
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError

_POLL_S = 0.2
_NAMED_AT_MOST = 5
_KEDAS = "finalizer.keda.sh"
_OWNERS = {
    _KEDAS: "KEDA's",
    "kubernetes.io/pvc-protection": "the cluster's, while a pod has the claim",
    "foregroundDeletion": "the cluster's garbage collector's",
}
"""Who takes a finalizer off; KEDA's: kedacore/keda, controllers/keda/scaledobject_finalizer.go."""


@dataclass(frozen=True)
class Kind:
    """A kind of a preview's objects."""

    resource: str
    """As kubectl knows it, with its group."""
    version: str = "v1"

    def path(self, namespace: str) -> str:
        """Where the API lists those of a namespace."""
        plural, _, group = self.resource.partition(".")
        root = f"/apis/{group}" if group else "/api"
        return f"{root}/{self.version}/namespaces/{namespace}/{plural}"


SCALERS = Kind("scaledobjects.keda.sh", "v1alpha1")
DEPLOYMENTS = Kind("deployments.apps")
PODS = Kind("pods")
_LOGINS = Kind("triggerauthentications.keda.sh", "v1alpha1")
_CLAIMS = Kind("persistentvolumeclaims")
_HELD_AT_TIMES = (SCALERS, _LOGINS, DEPLOYMENTS, PODS, _CLAIMS)


@dataclass(frozen=True)
class Held:
    """An object that is told to go, and stays."""

    kind: Kind
    name: str
    finalizers: tuple[str, ...]
    node: str | None

    def __str__(self) -> str:
        told = f"{self.kind.resource} {self.name}"
        if self.finalizers:
            return f"{told} has finalizer {', '.join(map(_owned, self.finalizers))}"
        return f"{told} has not ended on node {self.node}" if self.node else f"{told} is there"


@dataclass(frozen=True)
class Leaving:
    """The namespace of a preview, while its objects go."""

    cluster: Cluster
    config: FleetConfig

    def there(self, kind: Kind) -> list[Object]:
        """What there is of a kind; nothing where the cluster does not know it."""
        return self.cluster.items(kind.path(self.config.namespace))

    def wait(self, kind: Kind, limit_s: float, report: Callable[[str], None]) -> None:
        """Wait until nothing is left of a kind.

        Raises:
            RehearsalError: something is, after so long; with what holds it.

        """
        deadline = time.monotonic() + limit_s
        while found := self.there(kind):
            report(f"waiting for {len(found)} {kind.resource} to go")
            if time.monotonic() > deadline:
                what = f"{len(found)} {kind.resource} have not gone in {limit_s:.0f} s"
                raise self._stays(what, [_held(kind, each) for each in found], ())
            time.sleep(_POLL_S)

    def wait_for_namespace(self, limit_s: float, report: Callable[[str], None]) -> None:
        """Wait until the namespace itself is gone.

        Raises:
            RehearsalError: it is there after so long; with what holds it.

        """
        deadline = time.monotonic() + limit_s
        while found := self.cluster.get(f"/api/v1/namespaces/{self.config.namespace}"):
            report("waiting for its namespace to go")
            if time.monotonic() > deadline:
                what = f"its namespace has not gone in {limit_s:.0f} s"
                raise self._stays(what, list(self._held()), list(_told(found)))
            time.sleep(_POLL_S)

    def _held(self) -> Iterator[Held]:
        for kind in _HELD_AT_TIMES:
            yield from (_held(kind, each) for each in self.there(kind))

    def _stays(self, what: str, held: Sequence[Held], more: Sequence[str]) -> RehearsalError:
        named = [str(each) for each in held[:_NAMED_AT_MOST]]
        others = [f"{len(held) - len(named)} more"] if len(held) > len(named) else []
        return stuck(self.config, "; ".join([what, *named, *others, *more]), self._mend(held))

    def _mend(self, held: Sequence[Held]) -> str:
        marked = next((each for each in held if each.finalizers), None)
        again = "then run the same command again: it goes on from there"
        if marked is None:
            return f"see why they stay, {again}"
        place = f"kubectl --context={context(self.config)} --namespace={self.config.namespace}"
        off = """--type=merge -p '{"metadata":{"finalizers":null}}'"""
        owner = "KEDA's operator" if _KEDAS in marked.finalizers else "whoever owns the finalizer"
        return (
            f"let {owner} run, {again}; where it is gone for good, take the finalizer off: "
            f"{place} patch {marked.kind.resource} {marked.name} {off}"
        )


def _owned(finalizer: str) -> str:
    return f"{finalizer} ({_OWNERS[finalizer]})" if finalizer in _OWNERS else finalizer


def _held(kind: Kind, item: Object) -> Held:
    metadata, spec = item.get("metadata") or {}, item.get("spec") or {}
    finalizers = tuple(metadata.get("finalizers") or ())
    return Held(kind, metadata.get("name", ""), finalizers, spec.get("nodeName"))


def _told(namespace: Object) -> Iterator[str]:
    """What the cluster says of a namespace that stays: kinds that are left, APIs that are away."""
    for each in (namespace.get("status") or {}).get("conditions") or []:
        if each.get("status") == "True":
            yield f"{each.get('type')}: {each.get('message')}"
