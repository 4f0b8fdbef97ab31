"""Poison on a real broker with real workers: it is parked with its history, never lost."""

import json
import subprocess
import time
from typing import Any

import httpx
import psutil
import pytest

from tests.rehearsal.worker_fleet import Fleet, create, eventually, result
from worker_image import dead_letters
from worker_image.dead_letters import DeadLetter

pytestmark = pytest.mark.rehearsal

WORK = "worker_image.tasks.canary.work"
HELD = "unacked:default"


def letters(fleet: Fleet) -> list[DeadLetter]:
    with fleet.broker.client() as client:
        return dead_letters.read(client, "", "default")


def held(fleet: Fleet) -> int:
    with fleet.broker.client() as client:
        return int(client.hlen(HELD))


def deliveries(fleet: Fleet) -> list[str]:
    with fleet.broker.client() as client:
        return [str(key) for key in client.keys("fleet:deliveries:*")]


def poisoned(fleet: Fleet) -> "subprocess.Popen[bytes]":
    """Start a worker that writes down when it starts a task."""
    worker = fleet.launch(
        "default",
        *("--queues=default", "--hostname=worker-default@pod", "--concurrency=1"),
        *("--prefetch-multiplier=1", "--disable-prefetch", "-O", "fair"),
        *("--without-gossip", "--without-mingle", "-I", "tests.rehearsal.start_ledger"),
        START_LEDGER=str(fleet.folder / "starts"),
    )
    eventually(fleet.heartbeat("default").exists)
    return worker


def wait_for_start(fleet: Fleet, number: int) -> None:
    """Wait until the pool's process runs the task for the so-manieth time."""
    file = fleet.folder / "starts"
    eventually(lambda: file.exists() and len(file.read_text().splitlines()) >= number, 40)
    # The ledger is written just before the task's own first line, which counts.
    time.sleep(0.3)


def kill_all(worker: "subprocess.Popen[bytes]") -> None:
    """Kill a worker and its pool at once, as the kernel does with a container out of memory."""
    for child in psutil.Process(worker.pid).children():
        child.kill()
    worker.kill()
    worker.wait()


POISON = f"""
from worker_image.app import app
app.loader.import_default_modules()
app.send_task({WORK!r}, kwargs={{"seconds": 20}}, task_id="poison")
"""


@pytest.mark.timeout(180)
def test_a_task_that_kills_its_process_is_parked_after_its_last_delivery(fleet: Fleet) -> None:
    fleet.settings["deliveryLimit"] = 2
    worker = psutil.Process(poisoned(fleet).pid)
    api = fleet.api()
    fleet.publish(POISON)

    for start in (1, 2):
        wait_for_start(fleet, start)
        (child,) = worker.children()
        child.kill()
    (letter,) = eventually(lambda: letters(fleet), 30)

    assert (letter.task_id, letter.task, letter.deliveries) == ("poison", WORK, 2)
    assert letter.reason == "delivered 2 times without an end"
    assert letter.last_error.startswith("WorkerLostError: Worker exited prematurely: signal 9")
    assert letter.published_at is not None
    assert letter.published_at < letter.redelivered_at[0] < letter.parked_at
    assert letter.message["kwargs"] == {"seconds": 20}
    told = result(api, "poison")
    assert (told["status"], "delivered 2 times" in told["error"]) == ("failed", True)
    assert eventually(lambda: held(fleet) == 0)
    assert deliveries(fleet) == []
    default = api.get("/api/v1/fleet/queues").json()["queues"]["default"]
    assert (default["pending"], default["failed"]) == (0, 1)


@pytest.mark.timeout(120)
def test_the_count_outlives_every_worker_that_the_message_takes_with_it(fleet: Fleet) -> None:
    fleet.settings |= {"deliveryLimit": 2, "visibilityTimeoutSeconds": 3}
    fleet.publish(POISON)
    for start in (1, 2):
        worker = poisoned(fleet)
        wait_for_start(fleet, start)
        kill_all(worker)
        fleet.heartbeat("default").unlink()

    worker = poisoned(fleet)
    (letter,) = eventually(lambda: letters(fleet), 40)

    assert (letter.task_id, letter.deliveries) == ("poison", 2)
    assert letter.last_error == "its worker ended while it ran; nothing was left to tell why"
    assert eventually(lambda: held(fleet) == 0)
    assert worker.poll() is None


def test_a_task_that_recovers_leaves_no_count_behind(fleet: Fleet) -> None:
    worker = psutil.Process(fleet.worker("default").pid)
    api = fleet.api()
    task_id = create(api, "canary.work", seconds=1.5)
    eventually(lambda: held(fleet) == 1)
    time.sleep(0.3)
    (child,) = worker.children()
    child.kill()

    assert result(api, task_id)["status"] == "completed"
    eventually(lambda: not deliveries(fleet))
    assert letters(fleet) == []


def test_a_message_that_no_task_takes_is_parked_as_it_came(fleet: Fleet) -> None:
    fleet.publish(POISON)
    with fleet.broker.client() as client:
        message: dict[str, Any] = json.loads(str(client.rpop("default")))
        message["headers"]["task"] = "worker_image.tasks.canary.newer"
        client.lpush("default", json.dumps(message))
    fleet.worker("default")

    (letter,) = eventually(lambda: letters(fleet))

    assert (letter.task, letter.queue) == ("worker_image.tasks.canary.newer", "default")
    assert letter.reason.startswith("no such task in this image")
    assert letter.message["raw"]["body"] == message["body"]
    assert eventually(lambda: held(fleet) == 0)


def test_ordinary_retries_are_no_deliveries(fleet: Fleet) -> None:
    """The page is on a port that nobody listens to: each try ends, with a retry."""
    fleet.settings["deliveryLimit"] = 1
    fleet.worker("scraping")
    api: httpx.Client = fleet.api()
    create(api, "scraping.fetch_page", url="http://127.0.0.1:1/")

    def tries() -> int:
        return sum("Retry in" in line["message"] for line in fleet.lines("scraping"))

    eventually(lambda: tries() >= 3, 30)
    with fleet.broker.client() as client:
        assert dead_letters.counts(client, "", ["scraping"]) == {"scraping": 0}
