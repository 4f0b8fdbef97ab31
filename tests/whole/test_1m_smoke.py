"""`fleet smoke` on a fleet that runs: every queue answers, and one that cannot is named."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.whole.running_fleet import NAMESPACE, STACK, RunningFleet, until

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(300)]

QUEUES = ["default", "training", "scraping", "labeling"]
PAUSED = "labeling"


@contextmanager
def paused(running: RunningFleet) -> Iterator[None]:
    """A worker at zero whose scaler brings no pod."""
    mark = "autoscaling.keda.sh/paused-replicas"
    annotate = ["kubectl", "-n", NAMESPACE, "annotate", "scaledobject", f"worker-{PAUSED}"]

    def run(word: str) -> None:
        ended = running._run([*annotate, word], running.environment)
        assert ended.returncode == 0, ended.output

    run(f"{mark}=0")
    try:
        running.rest(PAUSED)
        yield
    finally:
        run(f"{mark}-")


def waiting(running: RunningFleet, queue: str) -> int:
    return running.api.queues()[queue].pending


def results(running: RunningFleet) -> set[str]:
    secret = running.cluster.secret(NAMESPACE, "broker")
    assert secret is not None
    url, tls = secret["resultBackend"], secret["ca.crt"]
    with redis.Redis.from_url(url, ssl_ca_data=tls, decode_responses=True) as client:
        return {str(key) for key in client.scan_iter(f"{STACK}:celery-task-meta-*")}


def test_every_queue_answers_in_time_and_nothing_is_left(running: RunningFleet) -> None:
    before = results(running)

    smoke = running.fleet("smoke", "-s", STACK, "--json")

    assert smoke.returncode == 0, smoke.output
    told = json.loads(smoke.stdout)
    assert told["ok"] is True
    assert [each["queue"] for each in told["queues"]] == QUEUES
    for each in told["queues"]:
        assert each["pod"].startswith(f"worker-{each['worker']}-")
        assert 0 <= each["wait_s"] <= each["tolerated_s"]
    assert results(running) <= before


def test_a_queue_of_a_paused_worker_fails_and_is_named(running: RunningFleet) -> None:
    with paused(running):
        smoke = running.fleet("smoke", "-s", STACK, "--queue", PAUSED, "--queue", "default")

        assert smoke.returncode == 1, smoke.output
        assert f"x {PAUSED}: worker {PAUSED} has no pod, and its scaler is paused" in smoke.output
        assert waiting(running, PAUSED) == 0


def test_one_that_is_interrupted_leaves_no_message(running: RunningFleet) -> None:
    """Its probe waits for a pod that is not there yet when the interrupt comes."""
    running.rest(PAUSED)
    command = [str(running.folder / ".venv/bin/fleet"), "smoke", "-s", STACK, "--queue", PAUSED]
    smoke = subprocess.Popen(
        command, cwd=running.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    until(lambda: waiting(running, PAUSED) or None, 20, "the probe waits")
    smoke.send_signal(signal.SIGINT)
    output, _ = smoke.communicate(timeout=20)

    assert smoke.returncode == 130, output
    assert waiting(running, PAUSED) == 0
