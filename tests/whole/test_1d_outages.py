"""Nothing is lost or woken when a whole worker dies, and when the broker hangs."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet.api_client import QueueStatistics
from fleet.kubernetes import Object
from tests.whole.interference import broker_that_hangs, events, kill_with_pods
from tests.whole.running_fleet import NAMESPACE, VISIBILITY_S, RunningFleet, until
from tests.whole.test_1c_gpu_nodes import gpu_nodes

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(300)]

SLOTS = 4
"""Of a pod of `labeling`."""
# Three periods of the HPA, which look at more than three of KEDA's polls.
OUTAGE_S = 3 * 10 + 5


def deployments(running: RunningFleet) -> list[Object]:
    return running.cluster.items(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")


def wanted(running: RunningFleet) -> dict[str, int]:
    """Replicas that each Deployment is set to."""
    return {d["metadata"]["name"]: d["spec"]["replicas"] for d in deployments(running)}


def counted(running: RunningFleet, done: int) -> QueueStatistics | None:
    """The queue's figures once so many ends are among them; a result is there a moment before."""
    queue = running.api.queues()["scraping"]
    return queue if queue.done >= done else None


def test_a_task_outlives_the_death_of_all_that_could_run_it(running: RunningFleet) -> None:
    running.rest("scraping")
    before = running.api.queues()["scraping"]
    task = running.canary("scraping", 5)
    until(lambda: running.api.queues()["scraping"].in_flight or None, 30, "the task runs")

    killed = kill_with_pods(running, "scraping")

    queue = running.api.queues()["scraping"]
    assert (queue.pending, queue.in_flight, queue.done) == (0, 1, before.done)
    # No message waits: KEDA wakes a worker for what the dead one held.
    pods = until(lambda: running.pods("scraping") or None, 30, "KEDA wakes a worker")
    assert len(pods) == 1
    assert pods[0]["metadata"]["name"] not in killed
    result = running.result(task, within_s=VISIBILITY_S + 30)
    assert result.status == "completed"
    after = until(lambda: counted(running, before.done + 1), 10, "its end is counted")
    assert (after.done - before.done, after.redelivered - before.redelivered) == (1, 1)
    running.rest("scraping")


def source_failed(running: RunningFleet) -> Object | None:
    """KEDA's event of it: its next poll may have to wait for the one that hangs."""
    return events(running, "ScaledObject", "worker-labeling").get("KEDAMetricSourceFailed")


def test_a_broker_that_hangs_freezes_the_fleet_and_loses_nothing(running: RunningFleet) -> None:
    running.rest("labeling")
    running.rest("training")
    until(lambda: not gpu_nodes(running) or None, 60, "no GPU node")
    with ThreadPoolExecutor(8) as senders:
        tasks = list(senders.map(lambda _: running.canary("labeling", 8), range(64)))
    until(lambda: wanted(running)["worker-labeling"] > 1 or None, 30, "the HPA scales")
    until(lambda: running.api.queues()["labeling"].in_flight > SLOTS or None, 30, "they work")

    with broker_that_hangs(running):
        frozen, began = wanted(running), time.monotonic()
        while time.monotonic() - began < OUTAGE_S:
            assert wanted(running) == frozen
            assert not running.pods("training")
            assert not gpu_nodes(running)
            time.sleep(1)
        told = until(lambda: source_failed(running), 60, "KEDA says that it cannot ask")

    assert told["type"] == "Warning", told
    for task in tasks:
        assert running.result(task, 120).status == "completed"
    running.rest("labeling")
    until(lambda: running.fleet("doctor").returncode == 0 or None, 30, "doctor finds no problem")
