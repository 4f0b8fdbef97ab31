"""Workers other than the template's: one on two queues, and one for thousands of short tasks."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.whole.running_fleet import NAMESPACE, RunningFleet, until

pytestmark = [pytest.mark.engine, pytest.mark.rehearsal, pytest.mark.timeout(300)]

SLOTS, MOST = 2, 6
SHORT_TASKS = 3000


@pytest.fixture(scope="module")
def reshaped(running: RunningFleet) -> Iterator[RunningFleet]:
    """The fleet with `default` and `labeling` on one worker, and Baseten's queue `celery`."""
    with running.edited(_reshape):
        yield running


def _reshape(config: dict[str, Any]) -> None:
    queues, workers = config["celery-fleet:queues"], config["celery-fleet:workers"]
    grace = workers.pop("labeling")["terminationGracePeriodSeconds"]
    workers.pop("default")
    workers["shared"] = {
        "queues": ["default", "labeling"],
        "concurrency": SLOTS,
        "maxReplicaCount": MOST,
        "terminationGracePeriodSeconds": grace,
    }
    for name in ("default", "labeling"):
        # Short enough that each waiting message asks for a whole slot, long enough to rest at zero.
        queues[name]["objective"] |= {"typicalSeconds": 20, "toleratedWaitSeconds": 30}
    queues["celery"] = {"class": "interactive", "priorities": True, "timeLimitSeconds": 60}
    workers["celery"] = {
        "concurrency": 8,
        "minReplicaCount": 1,
        "maxReplicaCount": 2,
        "terminationGracePeriodSeconds": grace,
    }


def composite_metric(running: RunningFleet, worker: str) -> float | None:
    """What KEDA tells the HPA; None while it tells nothing."""
    path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/composite-metric"
    selector = f"scaledobject.keda.sh/name=worker-{worker}"
    found = running.cluster.items(path, labelSelector=selector)
    return float(found[0]["value"]) if found else None


def replicas(running: RunningFleet, worker: str) -> int:
    return int(running.get("deployments", f"worker-{worker}")["spec"].get("replicas", 0))


def test_a_worker_on_two_queues_scales_by_the_sum_of_both(reshaped: RunningFleet) -> None:
    reshaped.rest("shared")

    each = SLOTS * MOST // 2
    tasks = [reshaped.canary(q, 20) for _ in range(each) for q in ("default", "labeling")]

    until(lambda: composite_metric(reshaped, "shared") == len(tasks) or None, 15, "the sum")
    # Either queue alone would be served by half of them.
    until(lambda: replicas(reshaped, "shared") == MOST or None, 30, "a slot for each task")
    for task in tasks:
        assert reshaped.result(task, 60).status == "completed"
    reshaped.rest("shared")


def test_a_burst_on_one_queue_does_not_hold_up_the_other(reshaped: RunningFleet) -> None:
    reshaped.rest("shared")
    with ThreadPoolExecutor(8) as senders:
        burst = list(senders.map(lambda _: reshaped.canary("labeling", 0.5), range(200)))
        jobs = list(senders.map(lambda _: reshaped.canary("default", 0.5), range(6)))

    for job in jobs:
        assert reshaped.result(job, 60).status == "completed"
    waiting = sum(reshaped.api.result(task).status == "pending" for task in burst)

    assert waiting > len(burst) / 3
    for task in burst:
        assert reshaped.result(task, 90).status == "completed"


def test_thousands_of_short_tasks_give_one_result_each(reshaped: RunningFleet) -> None:
    before = reshaped.api.queues()["celery"]

    burst = reshaped.fleet("burst", "celery", "--tasks", str(SHORT_TASKS), "--seconds", "0")

    assert burst.returncode == 0, burst.output
    after = reshaped.api.queues()["celery"]
    assert after.done - before.done == SHORT_TASKS
    assert (after.failed, after.redelivered) == (before.failed, before.redelivered)
    assert after.wait_p95_s is not None
    sys.stdout.write(f"{burst.output}\nwaits: p50 {after.wait_p50_s}, p95 {after.wait_p95_s} s\n")
