"""The worker that is scaled in: its Deployment, its pods and its scaler."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from fleet.kubernetes import Cluster, Object, condition
from infra import names
from infra.manifests.labels import WORKER_LABEL
from rehearsal.layout import Layout
from rehearsal.node_agent.api.kubeconfig import read_access
from rehearsal.node_agent.pods.pod_folder import PodFolder, logs_of

_PAUSED = "autoscaling.keda.sh/paused"
_POLL_S = 0.05


@dataclass(frozen=True)
class Target:
    """One worker of a running fleet."""

    cluster: Cluster
    server: httpx.Client
    """The API server, for writes."""
    layout: Layout
    namespace: str
    worker: str

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep KEDA's and the HPA's hands off the replicas meanwhile."""
        self._annotate("true")
        hpa = f"keda-hpa-{names.worker_object(self.worker)}"
        path = f"/apis/autoscaling/v2/namespaces/{self.namespace}/horizontalpodautoscalers/{hpa}"
        wait_until(lambda: self.cluster.get(path) is None, 30, "KEDA has taken its HPA away")
        try:
            yield
        finally:
            self._annotate(None)

    def scale(self, replicas: int) -> None:
        """Set the replicas as an HPA does."""
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments"
        change = {"spec": {"replicas": replicas}}
        self._patch(f"{path}/{names.worker_object(self.worker)}/scale", change)

    def pods(self) -> list[Object]:
        """All of its pods, those that end included."""
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        return self.cluster.items(path, labelSelector=f"{WORKER_LABEL}={self.worker}")

    def ready(self) -> list[Object]:
        """Its pods that take tasks."""
        return [
            pod
            for pod in self.pods()
            if not is_ending(pod) and condition(pod, "Ready").get("status") == "True"
        ]

    def log(self, pod: Object) -> Path:
        """The log of a pod's newest container; it goes with the pod."""
        meta, (container, *_) = pod["metadata"], pod["spec"]["containers"]
        folder = PodFolder(self.layout.pods / f"{meta['namespace']}_{meta['name']}_{meta['uid']}")
        return logs_of(folder.log(container["name"], 0).parent)[-1]

    def _annotate(self, paused: str | None) -> None:
        path = f"/apis/keda.sh/v1alpha1/namespaces/{self.namespace}/scaledobjects"
        change = {"metadata": {"annotations": {_PAUSED: paused}}}
        self._patch(f"{path}/{names.worker_object(self.worker)}", change)

    def _patch(self, path: str, change: Mapping[str, object]) -> None:
        headers = {"Content-Type": "application/merge-patch+json"}
        self.server.patch(path, json=change, headers=headers).raise_for_status()


def is_ending(pod: Object) -> bool:
    """Whether somebody has deleted the pod."""
    return pod["metadata"].get("deletionTimestamp") is not None


@contextmanager
def api_server(layout: Layout) -> Iterator[httpx.Client]:
    """The rehearsal's API server, as its administrator."""
    access = read_access(layout.kubeconfig)
    with httpx.Client(base_url=access.server, verify=access.tls, trust_env=False) as client:
        yield client


def wait_until(holds: Callable[[], bool], within_s: float, what: str) -> None:
    """Wait for something.

    Raises:
        TimeoutError: it did not come.

    """
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        time.sleep(_POLL_S)
