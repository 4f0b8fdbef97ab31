"""Real KEDA scales real workers, and takes none from a running task."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.whole.running_fleet import STACK, VISIBILITY_S, RunningFleet, until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(300)]


def test_a_burst_goes_from_zero_to_many_and_back_with_every_result_once(
    running: RunningFleet,
) -> None:
    running.rest("labeling")

    burst = running.fleet("burst", "labeling", "--tasks", "300", "--seconds", "0.5")

    assert burst.returncode == 0, burst.output
    running.rest("labeling")


def test_a_task_longer_than_the_cooldown_keeps_its_pod_and_runs_once(
    running: RunningFleet,
) -> None:
    running.rest("scraping")
    before = running.api.queues()["scraping"].redelivered
    task = running.canary("scraping", 25)
    pod = until(lambda: next(iter(running.pods("scraping")), None), 20, "a pod comes")

    result = running.result(task, 60)

    assert (result.status, result.value["slept_seconds"] >= 25) == ("completed", True)
    held = {p["metadata"]["name"]: p["status"].get("phase") for p in running.pods("scraping")}
    assert held.get(pod["metadata"]["name"]) == "Running"
    assert running.api.queues()["scraping"].redelivered == before
    running.rest("scraping")


def test_a_high_priority_overtakes_what_was_sent_before_it(running: RunningFleet) -> None:
    running.rest("labeling")
    with ThreadPoolExecutor(8) as senders:
        low = list(senders.map(lambda _: running.canary("labeling", 0.5, priority=0), range(200)))
        high = list(senders.map(lambda _: running.canary("labeling", 0.5, priority=10), range(8)))

    for task in high:
        assert running.result(task, 60).status == "completed"
    waiting = sum(running.api.result(task).status == "pending" for task in low)

    assert waiting > len(low) / 3
    for task in low:
        assert running.result(task, 90).status == "completed"


def test_a_fleet_that_was_stopped_comes_back_with_the_work_it_had(running: RunningFleet) -> None:
    running.rest("scraping")
    stopped_with = [running.canary("scraping", 0.1) for _ in range(20)]
    running.close()

    down = running.fleet("down")
    assert down.returncode == 0, down.output
    up = running.fleet("up", "--stack", STACK, "--no-demonstrate")

    assert up.returncode == 0, up.output
    for task in stopped_with:
        assert running.result(task, within_s=VISIBILITY_S + 60).status == "completed"
