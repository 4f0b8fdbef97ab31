"""How containers start, fail, are restarted and end under the node agent."""

import sys
import time
from pathlib import Path

import pytest

from tests.rehearsal.node_agent.cluster import (
    NodeCluster,
    Object,
    container_status,
    exec_probe,
    is_running,
    main_pid,
    sh,
    wait_for,
    waiting_reason,
)

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]

# Notes who gets SIGTERM in the file NOTES; neither the parent nor its child ends by it.
STUBBORN = """
import os, signal, time
name = "main" if os.fork() else "child"
def note(*_):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{name} got SIGTERM\\n")
signal.signal(signal.SIGTERM, note)
with open(os.environ["NOTES"], "a") as notes:
    notes.write(f"{os.getpid()}\\n")
while True:
    time.sleep(0.1)
"""


def test_a_crashing_container_is_restarted_with_back_off(cluster: NodeCluster) -> None:
    cluster.run("crash", *sh("echo run; exit 3"))

    pod = cluster.wait_pod(
        "crash", lambda pod: waiting_reason(pod) == "CrashLoopBackOff", "backing off"
    )

    status = container_status(pod)
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert status["lastState"]["terminated"]["reason"] == "Error"
    assert "back-off 10s" in status["state"]["waiting"]["message"]
    assert cluster.log("crash", previous="true") == "run\n"
    wait_for(lambda: "BackOff" in dict(cluster.events("crash")), "an event")


def test_a_container_that_fails_its_liveness_probe_is_restarted(cluster: NodeCluster) -> None:
    cluster.run(
        "dead",
        *sh("exec sleep 600"),
        livenessProbe=exec_probe("test $HOSTNAME = another", failureThreshold=1),
    )

    pod = cluster.wait_pod(
        "dead", lambda pod: container_status(pod).get("restartCount", 0) > 0, "restarted"
    )

    assert container_status(pod)["lastState"]["terminated"]["exitCode"] == 143
    wait_for(lambda: "Unhealthy" in dict(cluster.events("dead")), "an event")


def test_sigterm_reaches_the_main_process_alone_and_sigkill_all_after_the_grace(
    cluster: NodeCluster, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    env = [{"name": "NOTES", "value": str(notes)}]
    cluster.run("stubborn", sys.executable, "-c", STUBBORN, env=env)
    wait_for(lambda: notes.exists() and notes.read_text().count("\n") == 2, "both processes")
    pids = [int(line) for line in notes.read_text().splitlines()]

    began = time.monotonic()
    cluster.delete("pods", "stubborn", grace_s=4)
    took_s = time.monotonic() - began

    assert notes.read_text().splitlines()[2:] == ["main got SIGTERM"]
    assert 3.0 < took_s < 7.0
    assert not any(is_running(pid) for pid in pids)


def test_a_main_process_that_ends_by_itself_takes_its_children_with_it(
    cluster: NodeCluster,
) -> None:
    escapee = "setsid sleep 600 & echo $!; sleep 0.2; exit 0"
    cluster.run("leaver", *sh(escapee), spec={"restartPolicy": "Never"})

    cluster.wait_phase("leaver", "Succeeded")

    pid = main_pid(cluster, "leaver")
    wait_for(lambda: not is_running(pid), "the child to be gone")


def test_a_pre_stop_hook_runs_before_the_signal(cluster: NodeCluster, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    script = (
        f"trap 'echo TERM >> {notes}; exit 0' TERM; touch {notes}; while :; do sleep 0.05; done"
    )
    hook = {"preStop": {"exec": {"command": sh(f"sleep 0.3; echo hook >> {notes}")}}}
    cluster.run("hooked", *sh(script), lifecycle=hook)
    wait_for(notes.exists, "the pod to run")

    cluster.delete("pods", "hooked", grace_s=10)

    assert notes.read_text() == "hook\nTERM\n"


def test_a_job_retries_until_it_succeeds(cluster: NodeCluster, tmp_path: Path) -> None:
    container = {
        "name": "main",
        "image": cluster.image,
        "command": sh(f"test -e {tmp_path}/x || {{ touch {tmp_path}/x; exit 1; }}"),
    }
    template = {"spec": {"restartPolicy": "OnFailure", "containers": [container]}}
    cluster.create("jobs", "retry", spec={"template": template})

    def succeeded() -> int:
        job = cluster.client.get(cluster.path("jobs", "retry")).json()
        return int(job["status"].get("succeeded", 0))

    wait_for(lambda: succeeded() == 1, "the job to succeed")


def test_what_cannot_start_says_why_and_starts_once_it_can(cluster: NodeCluster) -> None:
    secret_env = {
        "name": "P",
        "valueFrom": {"secretKeyRef": {"name": "late", "key": "password"}},
    }
    cluster.run("no-image", *sh("true"), image="example.invalid/other:1")
    cluster.run("no-secret", *sh("echo $P; exec sleep 600"), env=[secret_env])
    cluster.run("no-command", "no-such-program")
    cluster.create(
        "pods", "no-entrypoint", spec={"containers": [{"name": "main", "image": cluster.image}]}
    )

    def held(name: str, *reasons: str) -> Object:
        pod = cluster.wait_pod(name, lambda pod: waiting_reason(pod) in reasons, f"{reasons}")
        return container_status(pod)

    message = held("no-image", "ErrImagePull", "ImagePullBackOff")["state"]["waiting"]["message"]
    assert cluster.image.partition(":")[0] in message
    unset = held("no-entrypoint", "Unsupported")["state"]["waiting"]["message"]
    assert "ENTRYPOINT" in unset
    failed = held("no-command", "RunContainerError")["lastState"]["terminated"]
    assert (failed["exitCode"], failed["reason"]) == (128, "StartError")
    late = held("no-secret", "CreateContainerConfigError")["state"]["waiting"]["message"]
    assert late == 'secret "late" not found'

    cluster.create("secrets", "late", stringData={"password": "now"})
    cluster.wait_phase("no-secret", "Running")
    wait_for(lambda: cluster.log("no-secret") == "now\n", "the log")
