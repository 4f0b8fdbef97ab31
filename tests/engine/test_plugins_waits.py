"""How the Kubernetes stand-in waits: for what, how a wait ends, what the next `up` finds."""

import signal
import subprocess
import time

import psutil
import pytest

from tests.engine.control_plane import Cluster
from tests.engine.project import Project

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

WORKER = """
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace

namespace = Namespace("namespace", metadata={{"name": "{namespace}"}})
Deployment(
    "worker",
    metadata={{
        "name": "worker",
        "namespace": namespace.metadata["name"],
        "annotations": {{"pulumi.com/timeoutSeconds": "{timeout}"}},
    }},
    spec={{
        "selector": {{"matchLabels": {{"app": "worker"}}}},
        "template": {{
            "metadata": {{"labels": {{"app": "worker"}}}},
            "spec": {{"containers": [{{"name": "worker", "image": "worker:1"}}]}},
        }},
    }},
)
"""
HELD = """
import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap

ConfigMap(
    "held",
    metadata={"name": "held", "namespace": "default", "finalizers": ["example.org/hold"]},
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(delete="2s")),
)
"""
CLAIM = """
from pulumi_kubernetes.core.v1 import PersistentVolumeClaim

PersistentVolumeClaim(
    "data",
    metadata={{
        "name": "data",
        "namespace": "default",
        "annotations": {{"pulumi.com/timeoutSeconds": "2"}},
    }},
    spec={{
        "storageClassName": "{storage}",
        "accessModes": ["ReadWriteOnce"],
        "resources": {{"requests": {{"storage": "1024Mi"}}}},
    }},
)
"""


def pod(cluster: Cluster, namespace: str) -> str:
    """The path of the namespace's one pod, once there is one."""
    deadline = time.monotonic() + 20
    while True:
        pods = cluster.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
        if pods:
            return f"/api/v1/namespaces/{namespace}/pods/{pods[0]['metadata']['name']}"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_deployment_that_does_not_come_up_says_why_and_the_next_up_goes_on(
    project: Project, cluster: Cluster
) -> None:
    project.write(WORKER.format(namespace="slow", timeout=3))
    told = project.fail("up", "--yes", "--skip-preview")
    assert "Deployment slow/worker was created, but it is not ready after 3 s" in told
    assert "0 of 1 updated pods available" in told
    assert project.resources()["worker"]["initErrors"]

    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}
    status = {"name": "worker", "state": {"waiting": waiting}, "ready": False, "restartCount": 3}
    status |= {"image": "worker:1", "imageID": ""}
    crashing = {"status": {"phase": "Running", "containerStatuses": [status]}}
    cluster.patch(f"{pod(cluster, 'slow')}/status", crashing)
    told = project.fail("up", "--yes", "--skip-preview")
    assert "container worker: CrashLoopBackOff: back-off 10s restarting" in told

    ready = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    cluster.patch(f"{pod(cluster, 'slow')}/status", ready)
    project.up()
    assert "initErrors" not in project.resources()["worker"]
    project.up("--expect-no-changes")


def test_a_deletion_that_is_held_names_what_holds_it(project: Project, cluster: Cluster) -> None:
    project.write(HELD)
    project.up()

    told = project.fail("destroy", "--yes", "--skip-preview")
    assert "ConfigMap default/held is still there" in told
    assert "2 s are over while it was held by finalizers" in told
    assert "example.org/hold" in told

    held = "/api/v1/namespaces/default/configmaps/held"
    cluster.patch(held, {"metadata": {"finalizers": None}})
    project.succeed("destroy", "--yes", "--skip-preview")
    assert not cluster.exists(held)


def test_an_interrupt_ends_a_wait_at_once_and_leaves_no_process(
    project: Project, cluster: Cluster
) -> None:
    project.write(WORKER.format(namespace="interrupted", timeout=120))
    running = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=project.root,
        env=dict(project.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    pod(cluster, "interrupted")
    processes = psutil.Process(running.pid).children(recursive=True)
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    told, _ = running.communicate(timeout=30)

    assert time.monotonic() - began < 10
    assert "cancelled while waiting" in told
    assert processes
    assert not psutil.wait_procs(processes, timeout=20)[1]
    assert project.resources()["worker"]["initErrors"]


def test_a_claim_is_waited_for_unless_it_binds_with_its_first_pod(
    project: Project, cluster: Cluster
) -> None:
    for name, mode in (("at-once", "Immediate"), ("with-pod", "WaitForFirstConsumer")):
        cluster.create(
            "/apis/storage.k8s.io/v1/storageclasses",
            {"metadata": {"name": name}, "provisioner": "none", "volumeBindingMode": mode},
        )
    project.write(CLAIM.format(storage="with-pod"))
    project.up()
    project.succeed("destroy", "--yes", "--skip-preview")

    project.write(CLAIM.format(storage="at-once"))
    told = project.fail("up", "--yes", "--skip-preview")
    assert "PersistentVolumeClaim default/data was created, but it is not ready after 2 s" in told
    assert "it is Pending" in told
