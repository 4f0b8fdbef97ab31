"""Puts an arm's objects into the cluster, waits until it rests, and takes them out again."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kubernetes import config as kubeconfigs
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

from benchmarks.live.arms import Arm
from benchmarks.live.scenario import WORKER
from fleet.kubernetes import Cluster, Object, condition
from infra import names
from infra.manifests import Manifest
from infra.manifests.broker import broker_secret
from infra.manifests.data import data_claim
from infra.manifests.labels import WORKER_LABEL, metadata
from infra.manifests.scaled_object import trigger_authentication
from infra.models.broker import ExistingBroker
from rehearsal.control_plane.platform_objects import PLATFORM_NAMESPACE

_MANAGER = "celery-fleet-live"
_NAME = names.worker_object(WORKER)
_SETTLE_S = 60.0
_REMOVE_S = 60.0
_LOOK_S = 0.1


class Deployed:
    """One arm in its own namespace."""

    def __init__(self, kubeconfig: Path, cluster: Cluster, arm: Arm) -> None:
        self._client = DynamicClient(kubeconfigs.new_client_from_config(str(kubeconfig)))
        self._cluster = cluster
        self._arm = arm

    def close(self) -> None:
        """Close the connection; what is deployed stays."""
        self._client.client.close()

    def make_home(self) -> None:
        """Make what outlives a run: namespace, Secrets, settings, the claim for data."""
        for kind, manifest in self._home():
            self._apply(kind, manifest)

    def start(self) -> None:
        """Deploy worker and scaler; wait until they are at rest at the arm's minimum.

        Raises:
            TimeoutError: they are not.

        """
        least = self._arm.min_replicas
        meta = metadata(_NAME, self._arm.namespace, "worker", WORKER)
        spec = self._arm.deployment | {"replicas": least}
        self._apply("Deployment", {"metadata": meta, "spec": spec})
        self._apply("ScaledObject", {"metadata": meta, "spec": self._arm.scaled_object})
        _until(self._rests, _SETTLE_S, f"{self._arm.name} rests at {least} replicas")

    def replicas(self) -> int:
        """What the Deployment is set to."""
        found = self._cluster.get(self._path("apis/apps/v1", "deployments", _NAME)) or {}
        return int((found.get("spec") or {}).get("replicas", 0))

    def pods(self) -> list[Object]:
        """Every pod of the worker, those that are ending among them."""
        return self._cluster.items(
            self._path("api/v1", "pods"), labelSelector=f"{WORKER_LABEL}={WORKER}"
        )

    def clear(self) -> None:
        """Take scaler, worker and pods away, if there are any; running tasks are killed.

        Raises:
            TimeoutError: something stays.

        """
        for kind in ("ScaledObject", "Deployment"):
            self._delete(kind, _NAME)
        _until(self._scaler_gone, _REMOVE_S, f"the scaler of {self._arm.name} is gone")

        def gone() -> bool:
            pods = self.pods()
            for pod in pods:
                self._delete("Pod", pod["metadata"]["name"])
            return not pods

        _until(gone, _REMOVE_S, f"the pods of {self._arm.name} are gone")

    def _home(self) -> Iterator[tuple[str, Manifest]]:
        arm = self._arm
        broker = arm.config.broker
        if not isinstance(broker, ExistingBroker):
            raise TypeError(f"{arm.name}: broker.kind {broker.kind!r} has no connection secret")
        source = broker.connection_secret
        path = f"/api/v1/namespaces/{PLATFORM_NAMESPACE}/secrets/{source.name}"
        connection = (self._cluster.get(path) or {}).get("data") or {}
        contents = broker_secret(connection, source.name, broker.result_expires_s)
        named = metadata(names.BROKER, arm.namespace, "broker")
        yield "Namespace", {"metadata": {"name": arm.namespace}}
        yield "Secret", {"metadata": named, "stringData": contents}
        yield "TriggerAuthentication", {"metadata": named, "spec": trigger_authentication()}
        settings = metadata(names.SETTINGS, arm.namespace, "settings")
        yield "ConfigMap", {"metadata": settings, "data": {"settings.json": arm.settings}}
        data = metadata(names.DATA, arm.namespace, "settings")
        yield "PersistentVolumeClaim", {"metadata": data, "spec": data_claim(arm.config)}

    def _rests(self) -> bool:
        scaler = self._cluster.get(self._path("apis/keda.sh/v1alpha1", "scaledobjects", _NAME))
        hpa = f"keda-hpa-{_NAME}"
        made = self._cluster.get(self._path("apis/autoscaling/v2", "horizontalpodautoscalers", hpa))
        ready = condition(scaler or {}, "Ready").get("status") == "True"
        pods = [condition(pod, "Ready").get("status") for pod in self.pods()]
        return ready and bool(made) and pods == ["True"] * self._arm.min_replicas

    def _scaler_gone(self) -> bool:
        path = self._path("apis/keda.sh/v1alpha1", "scaledobjects", _NAME)
        return self._cluster.get(path) is None

    def _path(self, api: str, plural: str, name: str = "") -> str:
        path = f"/{api}/namespaces/{self._arm.namespace}/{plural}"
        return f"{path}/{name}" if name else path

    def _apply(self, kind: str, manifest: Manifest) -> None:
        version = _VERSIONS[kind]
        self._client.server_side_apply(
            self._client.resources.get(api_version=version, kind=kind),
            body={"apiVersion": version, "kind": kind, **manifest},
            name=manifest["metadata"]["name"],
            namespace=manifest["metadata"].get("namespace"),
            field_manager=_MANAGER,
            force_conflicts=True,
        )

    def _delete(self, kind: str, name: str) -> None:
        resource = self._client.resources.get(api_version=_VERSIONS[kind], kind=kind)
        options = {"gracePeriodSeconds": 1, "propagationPolicy": "Background"}
        try:
            self._client.delete(resource, name, namespace=self._arm.namespace, body=options)
        except NotFoundError:
            return


_VERSIONS = {
    "Namespace": "v1",
    "Secret": "v1",
    "ConfigMap": "v1",
    "PersistentVolumeClaim": "v1",
    "Pod": "v1",
    "Deployment": "apps/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
}


def _until(look: Callable[[], bool], within_s: float, what: str) -> None:
    deadline = time.monotonic() + within_s
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:g} s: {what}")
        time.sleep(_LOOK_S)
