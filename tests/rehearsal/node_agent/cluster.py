"""A view of a running stage for the node agent's tests: pods made, watched and read."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from rehearsal.layout import Layout
from rehearsal.node_agent.api.kubeconfig import read_access

Object = dict[str, Any]

_WAIT_S = 30.0
_POLL_S = 0.05


@dataclass(frozen=True)
class NodeCluster:
    """One namespace of a stage; it goes with the test."""

    layout: Layout
    client: httpx.Client
    namespace: str

    @property
    def image(self) -> str:
        return f"{self.layout.read_spec().images[0].repository}:test"

    @property
    def gpu_node(self) -> str:
        nodes = self.layout.read_spec().nodes
        return next(node.name for node in nodes if "nvidia.com/gpu" in node.capacity)

    def path(self, kind: str, name: str = "") -> str:
        group = "/apis/batch/v1" if kind == "jobs" else "/api/v1"
        return f"{group}/namespaces/{self.namespace}/{kind}/{name}".rstrip("/")

    def create(self, kind: str, name: str, **body: Any) -> None:
        document = {"metadata": {"name": name}, **body}
        self.client.post(self.path(kind), json=document).raise_for_status()

    def run(self, name: str, *command: str, spec: Object | None = None, **container: Any) -> None:
        """Start a pod of one container."""
        main = {"name": "main", "image": self.image, "command": command, **container}
        # A pod that nobody waits for must not hold the namespace's end up.
        defaults = {"terminationGracePeriodSeconds": 2, "automountServiceAccountToken": False}
        self.create("pods", name, spec={**defaults, "containers": [main], **(spec or {})})

    def pod(self, name: str) -> Object:
        answer = self.client.get(self.path("pods", name))
        answer.raise_for_status()
        found: Object = answer.json()
        return found

    def exists(self, kind: str, name: str) -> bool:
        return self.client.get(self.path(kind, name)).status_code == 200

    def delete(self, kind: str, name: str, grace_s: int | None = None) -> None:
        """Delete and wait until it is gone."""
        params = {} if grace_s is None else {"gracePeriodSeconds": grace_s}
        self.client.delete(self.path(kind, name), params=params).raise_for_status()
        wait_for(lambda: not self.exists(kind, name), f"{name} to be gone")

    def log(self, name: str, **options: str) -> str:
        answer = self.client.get(f"{self.path('pods', name)}/log", params=options)
        return answer.text

    def wait_phase(self, name: str, phase: str) -> Object:
        return self.wait_pod(name, lambda pod: bool(pod["status"]["phase"] == phase), phase)

    def wait_ready(self, name: str) -> Object:
        return self.wait_pod(name, lambda pod: condition(pod, "Ready") == "True", "ready")

    def wait_pod(self, name: str, holds: Callable[[Object], bool], what: str) -> Object:
        wait_for(lambda: holds(self.pod(name)), f"pod {name} to be {what}")
        return self.pod(name)

    def events(self, name: str) -> list[tuple[str, str]]:
        found = self.client.get(
            self.path("events"), params={"fieldSelector": f"involvedObject.name={name}"}
        )
        return [(event["reason"], event["message"]) for event in found.json()["items"]]

    def folder(self, name: str) -> Path:
        uid = self.pod(name)["metadata"]["uid"]
        return self.layout.pods / f"{self.namespace}_{name}_{uid}"

    def agent(self) -> psutil.Process:
        """The node agent's process."""
        return next(
            process
            for process in psutil.process_iter(["cmdline"])
            if "rehearsal.node_agent" in (process.info["cmdline"] or ())
            and str(self.layout.root) in process.info["cmdline"]
        )


@contextmanager
def namespace_on(root: Path) -> Iterator[NodeCluster]:
    """A fresh namespace on the stage below `root`, deleted with all its pods."""
    layout = Layout(root)
    access = read_access(layout.kubeconfig)
    with httpx.Client(
        base_url=access.server, verify=access.tls, trust_env=False, timeout=30
    ) as client:
        cluster = NodeCluster(layout, client, f"node-{uuid4().hex[:8]}")
        body = {"metadata": {"name": cluster.namespace}}
        client.post("/api/v1/namespaces", json=body).raise_for_status()
        # Pods wait for this account, which a controller makes.
        wait_for(lambda: cluster.exists("serviceaccounts", "default"), "the service account")
        try:
            yield cluster
        finally:
            pods = client.get(cluster.path("pods")).json()["items"]
            client.delete(cluster.path("pods"), params={"gracePeriodSeconds": 1})
            client.delete(f"/api/v1/namespaces/{cluster.namespace}")
            wait_for(lambda: not _left(cluster), f"{len(pods)} pods to be gone")


def _left(cluster: NodeCluster) -> list[Path]:
    return list(cluster.layout.pods.glob(f"{cluster.namespace}_*"))


def wait_for(holds: Callable[[], object], what: str, timeout_s: float = _WAIT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(_POLL_S)


def condition(pod: Object, kind: str) -> str:
    found = pod["status"].get("conditions", [])
    return next((c["status"] for c in found if c["type"] == kind), "")


def container_status(pod: Object) -> Object:
    statuses: list[Object] = pod["status"].get("containerStatuses", [{}])
    return statuses[0]


def waiting_reason(pod: Object) -> str:
    waiting: Object = container_status(pod).get("state", {}).get("waiting", {})
    return str(waiting.get("reason", ""))


def is_running(pid: int) -> bool:
    """Whether the process lives; one that waits to be reaped does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def sh(script: str) -> tuple[str, str, str]:
    """A command; `$$$$` in it is the shell's `$$`, since Kubernetes reads `$$` as `$`."""
    return ("sh", "-c", script)


def exec_probe(script: str, **timing: int) -> Object:
    return {"exec": {"command": sh(script)}, "periodSeconds": 1, **timing}


def main_pid(cluster: NodeCluster, name: str) -> int:
    """The process id that the pod wrote as its first line."""
    return int(cluster.log(name).splitlines()[0])
