"""Fair queues with real workers: turns between tenants, and tenants that come and go."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rehearsal.fair_stage import (
    HELD,
    MARKS,
    QUEUE,
    TENANTS,
    Ledger,
    ask,
    create,
    finished_after,
    send,
)
from tests.rehearsal.worker_fleet import (
    BIN,
    Fleet,
    counted,
    eventually,
    free_port,
    result,
)
from tests.unit.worker_stage import fair_document

pytestmark = pytest.mark.rehearsal


@pytest.fixture
def fleet(fleet: Fleet) -> Fleet:
    fleet.settings = fair_document()
    return fleet


def test_a_new_tenants_first_task_runs_without_a_restart(fleet: Fleet) -> None:
    worker = fleet.worker(QUEUE)
    api = fleet.api()

    for tenant in ("acme", "Zorg_7", None):
        assert result(api, create(api, tenant))["status"] == "completed"

    assert worker.poll() is None
    assert sorted(ask(fleet, lambda c: c.zrange(TENANTS, 0, -1))) == ["Zorg_7", "acme"]
    labeling = counted(api, QUEUE, 3)
    assert (labeling["done"], labeling["pending"], labeling["tenants"]) == (3, 0, 0)


@pytest.mark.timeout(120)
def test_a_thousand_tasks_of_one_tenant_do_not_delay_anothers_as_one_queue_does(
    fleet: Fleet,
) -> None:
    count, slow_s, slots = 1000, 0.1, 8
    api = fleet.api()

    send(fleet, count, "acme", seconds=slow_s)
    worker = fleet.worker(QUEUE, f"--concurrency={slots}")
    eventually(lambda: ask(fleet, lambda c: c.hlen(HELD)) == slots)
    fair_s = finished_after(api, "zorg", QUEUE, within_s=60)
    left = ask(fleet, lambda c: c.llen(f"{QUEUE}.acme"))
    worker.kill()

    send(fleet, count, seconds=slow_s, queue="default")
    fleet.worker("default", f"--concurrency={slots}")
    eventually(lambda: ask(fleet, lambda c: c.hlen("unacked:default")) == slots)
    shared_s = finished_after(api, None, "default", within_s=60)

    assert left > 0.8 * count
    # A look for new tenants, a task's time, and what a busy machine adds.
    assert fair_s < 0.5 + slow_s + 1.0
    assert shared_s > 0.8 * count * slow_s / slots
    assert shared_s > 5 * fair_s


@pytest.fixture
def ledger(fleet: Fleet) -> Iterator[Ledger]:
    ledger = Ledger(fleet.broker)
    yield ledger
    ledger.close()


@pytest.mark.timeout(120)
def test_work_is_never_uncounted_while_workers_come_drain_and_die(
    fleet: Fleet, ledger: Ledger
) -> None:
    fleet.settings["visibilityTimeoutSeconds"] = 3
    tenants, slots = ("acme", "zorg", "umbrella"), 3
    ledger.published += len(send(fleet, 60, *tenants, seconds=0.05))
    first = fleet.worker(QUEUE, f"--concurrency={slots}")
    ledger.watch(lambda: ledger.sample() < 40)
    first.send_signal(signal.SIGTERM)
    ledger.watch(lambda: first.poll() is not None)
    assert first.returncode == 0
    assert ledger.sample() > 0

    ledger.published += len(send(fleet, 9, *tenants, seconds=1))
    second = fleet.worker(QUEUE, f"--concurrency={slots}")
    ledger.watch(lambda: ledger.sample() < 6)
    # In the middle of a task: a message on its way to a worker that dies is lost with it.
    time.sleep(0.5)
    second.kill()
    second.wait()
    assert ask(fleet, lambda c: c.hlen(HELD)) > 0
    # Longer than the visibility timeout: the next worker puts back what this one held.
    time.sleep(3.5)
    third = fleet.worker(QUEUE, f"--concurrency={slots}")
    ledger.watch(lambda: ledger.sample() == 0 and ledger.counted() == 0, within_s=45)

    assert third.poll() is None
    assert len(ledger.over) > 500
    assert min(ledger.over) == 0
    # A task whose result is stored is counted until its worker has acknowledged it.
    assert max(ledger.over) <= 2 * slots


def test_a_mark_without_a_message_is_removed_in_the_end(fleet: Fleet) -> None:
    ask(fleet, lambda c: c.hset(MARKS, mapping={"lost": f"?{time.time() - 31:.0f}", "new": "1"}))

    fleet.worker(QUEUE)

    eventually(lambda: ask(fleet, lambda c: c.hkeys(MARKS)) == ["new"])
    told = [line for line in fleet.lines(QUEUE) if "without a message" in line["message"]]
    assert [line["message"] for line in told] == ["marks without a message removed: lost"]


def active_queues(fleet: Fleet) -> list[str]:
    """What `celery inspect` says that the worker consumes."""
    asked = ("celery", "--app=worker_image.app", "inspect", "active_queues", "--json")
    found = subprocess.run(
        [BIN / asked[0], *asked[1:]], env=fleet.env, check=True, capture_output=True
    )
    (queues,) = json.loads(found.stdout).values()
    return sorted(queue["name"] for queue in queues)


def test_an_idle_tenant_is_cancelled_and_comes_back(fleet: Fleet) -> None:
    fleet.worker(QUEUE)
    api = fleet.api()
    for tenant in ("acme", "zorg"):
        result(api, create(api, tenant))
    assert active_queues(fleet) == [QUEUE, f"{QUEUE}.acme", f"{QUEUE}.zorg"]

    long_ago = time.time() - 61
    ask(fleet, lambda c: c.zadd(TENANTS, {"acme": long_ago}))
    eventually(lambda: ask(fleet, lambda c: c.zrange(TENANTS, 0, -1)) == ["zorg"])
    time.sleep(1)
    assert active_queues(fleet) == [QUEUE, f"{QUEUE}.zorg"]

    assert result(api, create(api, "acme"))["status"] == "completed"


def test_a_waiting_tenant_is_not_forgotten_however_long_ago_it_sent(fleet: Fleet) -> None:
    fleet.worker(QUEUE)
    send(fleet, 8, "acme", seconds=1)
    ask(fleet, lambda c: c.zadd(TENANTS, {"acme": 0}))

    time.sleep(6)

    assert ask(fleet, lambda c: c.zscore(TENANTS, "acme")) == 0
    eventually(lambda: ask(fleet, lambda c: c.hlen(MARKS) + c.hlen(HELD)) == 0)


@pytest.mark.timeout(180)
def test_a_broker_outage_ends_neither_the_worker_nor_its_tenants(fleet: Fleet) -> None:
    worker = fleet.worker(QUEUE)
    api = fleet.api()
    result(api, create(api, "acme"))
    fleet.broker.close()
    try:
        eventually(lambda: any("Connection" in line["message"] for line in fleet.lines(QUEUE)))
        time.sleep(3)
    finally:
        fleet.broker.open(fleet.folder / "endpoint.log")

    for tenant in ("acme", "zorg"):
        assert result(api, create(api, tenant))["status"] == "completed"
    assert worker.poll() is None


def test_logs_and_statistics_tell_the_queue_and_the_tenant(fleet: Fleet) -> None:
    fleet.worker(QUEUE)
    api = fleet.api()
    body = {
        "task": "worker_image.tasks.maintenance.record_disk_usage",
        "kwargs": {"warn_percent": 0.01},
        "queue": QUEUE,
        "tenant": "acme",
    }
    result(api, api.post("/create", json=body).json()["task_id"])

    (warned,) = eventually(
        lambda: [line for line in fleet.lines(QUEUE) if line["level"] == "WARNING" and line["task"]]
    )
    assert (warned["queue"], warned["tenant"]) == (QUEUE, "acme")


def test_a_retry_stays_its_tenants(fleet: Fleet) -> None:
    """The page is on a port that nobody listens to: the task tries again later."""
    fleet.worker(QUEUE)
    api = fleet.api()
    body = {
        "task": "worker_image.tasks.scraping.fetch_page",
        "kwargs": {"url": f"http://127.0.0.1:{free_port()}/"},
        "queue": QUEUE,
        "tenant": "acme",
    }
    task_id = api.post("/create", json=body).json()["task_id"]

    def tries() -> list[dict[str, Any]]:
        return [line for line in fleet.lines(QUEUE) if "Retry in" in line["message"]]

    second = eventually(lambda: told if len(told := tries()) > 1 else None)
    assert {line["task_id"] for line in second} == {task_id}
    held = ask(fleet, lambda c: c.hvals(HELD)) + ask(
        fleet, lambda c: c.lrange(f"{QUEUE}.acme", 0, -1)
    )
    assert f"{QUEUE}.acme" in str(held)
