"""Faults of a running fleet that alerts are to tell of; each lasts as long as its block."""

import base64
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import redis

from fleet.kubernetes import Object
from infra import names
from tests.whole.interference import api_server, worker_processes
from tests.whole.running_fleet import NAMESPACE, RunningFleet, until

_PAUSED = "autoscaling.keda.sh/paused-replicas"
_APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
_SCALERS = f"/apis/keda.sh/v1alpha1/namespaces/{NAMESPACE}/scaledobjects"
_SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/{names.BROKER}"
_IMAGES = (
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/"
    f"{names.images(NAMESPACE)}"
)
_START_S = 60.0
_FILLER = "whole:filler"
_FULL = 0.94


@contextmanager
def paused(running: RunningFleet, worker: str, replicas: int) -> Iterator[None]:
    """Hold a worker at so many replicas, as an operator would who looks into something."""
    path = f"{_SCALERS}/worker-{worker}"
    patch(running, path, {"metadata": {"annotations": {_PAUSED: str(replicas)}}})
    try:
        yield
    finally:
        patch(running, path, {"metadata": {"annotations": {_PAUSED: None}}})


@contextmanager
def without_image(running: RunningFleet, worker: str) -> Iterator[None]:
    """Name an image that nobody can pull, as one that the stack names and its registry has lost."""
    name = f"worker-{worker}"
    containers = running.get("deployments", name)["spec"]["template"]["spec"]["containers"]
    broken = [{**containers[0], "image": "celery-fleet/none-such:0"}, *containers[1:]]
    path = f"{_APPS}/{name}"
    patch(running, _IMAGES, {"spec": {"validationActions": ["Audit"]}})
    patch(running, path, {"spec": {"template": {"spec": {"containers": broken}}}})
    try:
        yield
    finally:
        patch(running, path, {"spec": {"template": {"spec": {"containers": containers}}}})
        patch(running, _IMAGES, {"spec": {"validationActions": ["Deny"]}})


@contextmanager
def scaled_to_zero(running: RunningFleet, deployment: str) -> Iterator[None]:
    """Take away the one pod of a part that runs once, and wait for it to be back."""
    path = f"{_APPS}/{deployment}/scale"
    patch(running, path, {"spec": {"replicas": 0}})
    try:
        yield
    finally:
        patch(running, path, {"spec": {"replicas": 1}})
        until(lambda: _ready(running, deployment) or None, _START_S, f"{deployment} is back")


@contextmanager
def stopped(running: RunningFleet, worker: str) -> Iterator[None]:
    """Stop the processes that consume: their pods stay ready for a while, and do nothing."""
    pods = [pod["metadata"]["name"] for pod in running.pods(worker)]
    processes = worker_processes(pods)
    assert processes, f"no process of {worker}"
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            # Its pod may have been taken for dead.
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


@contextmanager
def stopped_process(process: int) -> Iterator[None]:
    """Stop one process that answers scrapes."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def full_broker(running: RunningFleet) -> Iterator[None]:
    """Fill the broker with what is no message, to just below what it may use."""
    with _broker(running) as client:
        info: dict[str, Any] = client.info("memory")
        room = int(info["maxmemory"] * _FULL) - info["used_memory"]
        client.setrange(_FILLER, room - 1, b"\0")
        try:
            yield
        finally:
            client.unlink(_FILLER)


@contextmanager
def wrong_password(running: RunningFleet, worker: str) -> Iterator[None]:
    """Give KEDA a wrong password, and let it sign in anew for one worker; pods read another key."""
    password = (running.cluster.get(_SECRET) or {})["data"]["password"]
    scaler = f"{_SCALERS}/worker-{worker}"
    polling = running.get("scaledobjects", f"worker-{worker}")["spec"]["pollingInterval"]
    wrong = base64.b64encode(b"wrong").decode()
    patch(running, _SECRET, {"data": {"password": wrong}})
    patch(running, scaler, {"spec": {"pollingInterval": polling + 1}})
    try:
        yield
    finally:
        patch(running, _SECRET, {"data": {"password": password}})
        patch(running, scaler, {"spec": {"pollingInterval": polling}})


def patch(running: RunningFleet, path: str, change: Object) -> None:
    """Change an object past Pulumi."""
    headers = {"Content-Type": "application/merge-patch+json"}
    with api_server(running) as server:
        server.patch(path, json=change, headers=headers).raise_for_status()


def ready_pods(running: RunningFleet, worker: str, number: int) -> None:
    """Wait for so many pods of a worker."""
    name = f"worker-{worker}"
    until(lambda: _ready(running, name) == number or None, _START_S, f"{number} of {worker}")


def _ready(running: RunningFleet, deployment: str) -> int:
    ready: int = running.get("deployments", deployment)["status"].get("readyReplicas", 0)
    return ready


@contextmanager
def _broker(running: RunningFleet) -> Iterator["redis.Redis"]:
    secret = running.cluster.secret(NAMESPACE, names.BROKER)
    assert secret is not None
    with redis.Redis.from_url(secret["brokerUrl"], ssl_ca_data=secret["ca.crt"]) as client:
        yield client
