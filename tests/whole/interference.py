"""What tests do to a fleet behind its operator's back: kill, stop, cut off, scale by hand."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil

from fleet.kubernetes import Object
from rehearsal.layout import Layout
from rehearsal.node_agent.api.kubeconfig import read_access
from rehearsal.supervisor import client as supervisor
from tests.whole.running_fleet import NAMESPACE, RunningFleet


def kill_with_pods(running: RunningFleet, worker: str) -> list[str]:
    """SIGKILL a worker's processes, take its pods away, and set it to zero; name the pods."""
    pods = [pod["metadata"]["name"] for pod in running.pods(worker)]
    with api_server(running) as server:
        for process in worker_processes(pods):
            os.kill(process, signal.SIGKILL)
        scale = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/worker-{worker}/scale"
        change = {"spec": {"replicas": 0}}
        headers = {"Content-Type": "application/merge-patch+json"}
        server.patch(scale, json=change, headers=headers).raise_for_status()
        for pod in pods:
            path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}"
            server.request("DELETE", path, params={"gracePeriodSeconds": 0})
    return pods


@contextmanager
def broker_that_hangs(running: RunningFleet) -> Iterator[None]:
    """Stop the broker's process: connections stand, nothing answers.

    The supervisor is stopped too: it would start another broker.
    """
    stage = supervisor.status(_layout(running).root)
    broker = next(process.pid for process in stage.processes if process.name == "broker")
    assert stage.supervisor is not None
    assert broker is not None
    os.kill(stage.supervisor, signal.SIGSTOP)
    os.kill(broker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker, signal.SIGCONT)
        os.kill(stage.supervisor, signal.SIGCONT)


def events(running: RunningFleet, kind: str, name: str) -> dict[str, Object]:
    """The latest event of each reason about an object of the fleet."""
    selector = f"involvedObject.kind={kind},involvedObject.name={name}"
    found = running.cluster.items(f"/api/v1/namespaces/{NAMESPACE}/events", fieldSelector=selector)
    return {event["reason"]: event for event in found}


def worker_processes(pods: list[str]) -> list[int]:
    """Main processes of pods of this fleet: they kept the pod's own name."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if any(f"@{pod}" in line for pod in pods):
            found.append(process)
    ids = {process.pid for process in found}
    return [process.pid for process in found if process.ppid() not in ids]


@contextmanager
def api_server(running: RunningFleet) -> Iterator[httpx.Client]:
    """The Kubernetes API, for writes that no operator's command makes."""
    access = read_access(_layout(running).kubeconfig)
    with httpx.Client(
        base_url=access.server, verify=access.tls, trust_env=False, timeout=30
    ) as client:
        yield client


def _layout(running: RunningFleet) -> Layout:
    return Layout(running.folder / ".state" / "rehearsal")
