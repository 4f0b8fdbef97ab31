"""How tasks of the image's real workers end that are cut short: by a limit, a kill, an outage."""

import os
import signal
import time

import httpx
import psutil
import pytest

from tests.rehearsal.broker_contents import in_flight
from tests.rehearsal.worker_fleet import (
    Fleet,
    create,
    eventually,
    result,
)
from tests.unit.worker_stage import document

pytestmark = pytest.mark.rehearsal


# Prints the id of a task that asks for less than its queue allows.
IN_A_HURRY = """
from worker_image.app import app
app.loader.import_default_modules()
print(app.send_task("worker_image.tasks.canary.work", kwargs={"seconds": 30}, time_limit=1))
"""


def failures(api: httpx.Client) -> int:
    """Of queue `default`, once there are some."""
    queues = "/api/v1/fleet/queues"
    return eventually(lambda: int(api.get(queues).json()["queues"]["default"]["failed"]))


def test_a_task_that_heeds_its_soft_limit_fails_once(fleet: Fleet) -> None:
    fleet.worker("default")
    api = fleet.api()

    (task_id,) = fleet.publish(IN_A_HURRY)
    told = result(api, task_id)

    assert told["error"].startswith("SoftTimeLimitExceeded")
    assert failures(api) == 1
    time.sleep(1.5)  # beyond the hard limit
    assert failures(api) == 1


def test_a_task_killed_at_its_hard_limit_is_counted_and_told(fleet: Fleet) -> None:
    worker = fleet.worker("default")
    api = fleet.api()

    (task_id,) = fleet.publish(IN_A_HURRY)
    eventually(lambda: in_flight(fleet.broker, "default") == 1)
    # It hangs, as in a driver: its soft limit cannot wake it.
    (child,) = psutil.Process(worker.pid).children()
    child.suspend()
    told = result(api, task_id)

    assert told["error"].startswith("TimeLimitExceeded")
    assert failures(api) == 1


def test_each_queue_of_one_worker_has_limits_of_its_own(fleet: Fleet) -> None:
    shared = {"queues": ["default", "scraping"], "inFlightKey": "unacked:shared"}
    fleet.settings = document(workers={"shared": shared})
    fleet.settings["queues"]["default"] |= {"softTimeLimitSeconds": 1, "timeLimitSeconds": 2}
    longest = ("--soft-time-limit=1500", "--time-limit=1800")
    fleet.worker("shared", *longest, queues="default,scraping")
    api = fleet.api()

    short, long = (create(api, "canary.work", q, seconds=3) for q in ("default", "scraping"))

    assert result(api, short)["error"].startswith("SoftTimeLimitExceeded")
    assert result(api, long)["result"]["slept_seconds"] >= 3


def test_a_task_whose_pool_process_is_killed_runs_again(fleet: Fleet) -> None:
    worker = fleet.worker("default")
    api = fleet.api()
    task_id = create(api, "canary.work", seconds=3)
    eventually(lambda: in_flight(fleet.broker, "default") == 1)
    time.sleep(0.5)

    (child,) = psutil.Process(worker.pid).children()
    child.kill()

    assert result(api, task_id)["status"] == "completed"


@pytest.mark.timeout(180)
def test_a_killed_workers_task_runs_again_and_counts_as_redelivered(fleet: Fleet) -> None:
    fleet.settings["visibilityTimeoutSeconds"] = 3
    first = fleet.worker("default")
    api = fleet.api()
    task_id = create(api, "canary.work", seconds=2)
    eventually(lambda: in_flight(fleet.broker, "default") == 1)
    first.kill()
    first.wait()

    fleet.worker("default")

    eventually(lambda: api.get(f"/result/{task_id}").json()["status"] == "completed", 40)
    default = eventually(
        lambda: (
            q
            if (q := api.get("/api/v1/fleet/queues").json()["queues"]["default"])["done"]
            else None
        )
    )
    assert (default["done"], default["redelivered"], default["in_flight"]) == (1, 1, 0)


@pytest.mark.parametrize("pool", ["threads", "gevent", "solo"])
def test_other_pools_get_ready_run_and_drain_as_well(fleet: Fleet, pool: str) -> None:
    worker = fleet.worker("default", f"--pool={pool}")
    api = fleet.api()
    task_id = create(api, "canary.work", seconds=2)
    eventually(lambda: in_flight(fleet.broker, "default") == 1)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=15) == 0
    assert api.get(f"/result/{task_id}").json()["status"] == "completed"
    default = api.get("/api/v1/fleet/queues").json()["queues"]["default"]
    assert (default["done"], default["failed"], default["in_flight"]) == (1, 0, 0)


@pytest.mark.timeout(180)
def test_a_worker_lives_through_a_broker_outage(fleet: Fleet) -> None:
    fleet.worker("default")
    api = fleet.api()
    heartbeat = fleet.heartbeat("default")
    fleet.broker.close()
    eventually(lambda: any("Connection" in line["message"] for line in fleet.lines("default")))

    for _ in range(2):
        os.utime(heartbeat, (0, 0))
        eventually(lambda: heartbeat.stat().st_mtime > 0)
    work = {"task": "worker_image.tasks.canary.work", "kwargs": {"seconds": 0}}
    answer = api.post("/create", json=work)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

    fleet.broker.open(fleet.folder / "endpoint.log")
    assert result(api, create(api, "canary.work", seconds=0))["status"] == "completed"
