"""The janitor's real process on a real broker: what lost workers held comes back."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
import redis

from tests.rehearsal.broker_contents import waiting_ids
from tests.rehearsal.test_dead_letters import kill_all
from tests.rehearsal.test_metrics import Scraped
from tests.rehearsal.worker_fleet import Fleet, create, eventually, free_port
from tests.unit.worker_stage import fair_document

pytestmark = pytest.mark.rehearsal

HELD, INDEX = "unacked:labeling", "unacked:labeling_index"
TIMEOUT_S = 4
# A clock of Python's that is an hour ahead; the process is the janitor's otherwise.
SKEWED = """
import runpy, time
real = time.time
time.time = lambda: real() + 3600
runpy.run_module("worker_image.janitor", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def fleet(fleet: Fleet) -> Fleet:
    fleet.settings["visibilityTimeoutSeconds"] = TIMEOUT_S
    return fleet


class Process:
    """A janitor, and where it answers Prometheus."""

    def __init__(self, fleet: Fleet, *command: str, name: str = "janitor") -> None:
        self.port = free_port()
        self.heartbeat = fleet.heartbeat(name)
        self.process: subprocess.Popen[bytes] = fleet.processes.start(
            fleet.log(name),
            *(sys.executable, *(command or ("-m", "worker_image.janitor"))),
            **fleet.env,
            POD_NAME=name,
            FLEET_HEARTBEAT_FILE=str(self.heartbeat),
            FLEET_METRICS_PORT=str(self.port),
        )
        eventually(self.heartbeat.exists)
        self.metrics = Scraped(self.port)


def hold(store: "redis.Redis", queue: str, *ages_s: float, prefix: str = "") -> list[str]:
    """Take the next messages of a list, as a worker would that got them so long ago; their ids."""
    now = int(store.time()[0])
    taken = []
    for age_s in ages_s:
        message = json.loads(str(store.rpop(f"{prefix}{queue}")))
        delivery = message["properties"]["delivery_info"]
        tag = message["properties"]["delivery_tag"]
        whole = json.dumps([message, delivery["exchange"], delivery["routing_key"]])
        store.hset(f"{prefix}{HELD}", tag, whole)
        store.zadd(f"{prefix}{INDEX}", {tag: now - age_s})
        taken.append(message["headers"]["id"])
    return taken


def published(fleet: Fleet, count: int) -> None:
    api = fleet.api()
    for _ in range(count):
        create(api, "canary.work", "labeling", seconds=0)


@pytest.fixture
def waiting(fleet: Fleet, store: "redis.Redis") -> "redis.Redis":
    """Five messages in the one list of a queue."""
    fleet.settings["queues"]["labeling"]["priorities"] = False
    published(fleet, 5)
    assert store.llen("labeling") == 5
    return store


@pytest.mark.parametrize("command", [(), ("-c", SKEWED)], ids=["true clock", "an hour ahead"])
def test_what_a_worker_at_zero_held_comes_back_in_order_once_due_and_not_before(
    fleet: Fleet, waiting: "redis.Redis", command: tuple[str, ...]
) -> None:
    timeout_s = fleet.settings["visibilityTimeoutSeconds"] = 12
    first, second, fresh = hold(waiting, "labeling", 30, 20, 0)
    held_at = time.monotonic()
    rest = waiting_ids(waiting, "labeling")

    Process(fleet, *command)
    eventually(lambda: waiting.hlen(HELD) == 1)

    assert waiting_ids(waiting, "labeling") == [first, second, *rest]
    eventually(lambda: waiting.hlen(HELD) == 0)
    assert time.monotonic() - held_at >= timeout_s - 1  # the server's second that had begun
    assert waiting_ids(waiting, "labeling") == [fresh, first, second, *rest]
    again = [
        json.loads(text)["headers"].get("redelivered")
        for text in waiting.lrange("labeling", -3, -1)
    ]
    assert again == [True] * 3
    assert waiting.zcard(INDEX) == 0


def test_a_killed_workers_task_comes_back_though_no_worker_is_left(
    fleet: Fleet, store: "redis.Redis"
) -> None:
    worker = fleet.worker("labeling")
    task = create(fleet.api(), "canary.work", "labeling", seconds=30)
    eventually(lambda: store.hlen(HELD) == 1)
    kill_all(worker)
    janitor = Process(fleet)

    eventually(lambda: store.hlen(HELD) == 0)

    lists = [str(name) for name in store.keys("labeling*") if store.type(name) == "list"]
    assert [waiting_ids(store, name) for name in lists] == [[task]]
    restored = ("fleet_restored_total", {"in_flight_key": HELD})
    assert eventually(lambda: janitor.metrics.value(restored[0], **restored[1]) == 1)


def test_two_janitors_put_each_message_back_once(fleet: Fleet, waiting: "redis.Redis") -> None:
    body = str(waiting.rpop("labeling"))
    waiting.delete("labeling")
    for number in range(400):
        message = json.loads(body)
        message["headers"]["id"] = f"{number:03}"
        message["properties"]["delivery_tag"] = f"tag-{number}"
        waiting.lpush("labeling", json.dumps(message))
    taken = hold(waiting, "labeling", *range(1000, 600, -1))

    for name in ("janitor-1", "janitor-2"):
        Process(fleet, name=name)

    eventually(lambda: waiting.hlen(HELD) == 0)
    assert waiting_ids(waiting, "labeling") == taken


def test_what_a_worker_held_that_the_stack_no_longer_has_comes_back(
    fleet: Fleet, waiting: "redis.Redis"
) -> None:
    first = Process(fleet)
    eventually(lambda: waiting.exists("fleet:in-flight-keys"))
    first.process.terminate()
    first.process.wait()
    (taken,) = hold(waiting, "labeling", 30)
    del fleet.settings["workers"]["labeling"]

    Process(fleet)

    eventually(lambda: waiting.hlen(HELD) == 0)
    assert waiting_ids(waiting, "labeling")[0] == taken
    eventually(lambda: not waiting.hexists("fleet:in-flight-keys", HELD))


def test_a_tenants_message_comes_back_marked(fleet: Fleet, store: "redis.Redis") -> None:
    fleet.settings = fair_document(keyPrefix="p:", visibilityTimeoutSeconds=TIMEOUT_S)
    body = {"task": "worker_image.tasks.canary.work", "kwargs": {"seconds": 0}}
    fleet.api().post("/create", json={**body, "queue": "labeling", "tenant": "acme"})
    hold(store, "labeling.acme", 30, prefix="p:")
    store.delete("p:fair:labeling:pending")

    Process(fleet)

    eventually(lambda: store.llen("p:labeling.acme") == 1)
    assert store.hlen("p:fair:labeling:pending") == 1
    assert store.hlen(f"p:{HELD}") == 0


def test_a_message_without_a_time_gets_one_and_so_comes_back(
    fleet: Fleet, waiting: "redis.Redis"
) -> None:
    (taken,) = hold(waiting, "labeling", 0)
    waiting.delete(INDEX)
    janitor = Process(fleet)

    labels = {"worker": "labeling"}
    eventually(lambda: janitor.metrics.value("fleet_in_flight_mismatch", **labels) == 1)

    eventually(lambda: waiting.hlen(HELD) == 0, 25)
    assert waiting_ids(waiting, "labeling")[0] == taken


def test_lists_that_no_queue_owns_are_told_and_no_others(
    fleet: Fleet, waiting: "redis.Redis"
) -> None:
    api = fleet.api()
    for stray, messages in (("labelling", 3), ("labeling:5", 1)):
        waiting.lpush(stray, *["{}"] * messages)
    waiting.lpush("fleet:waits:labeling", "0.1")
    waiting.lpush("training:9", "{}")

    janitor = Process(fleet)

    eventually(lambda: janitor.metrics.value("fleet_unowned_lists") == 2)
    told = eventually(lambda: api.get("/api/v1/workers/health").json()["warnings"])
    wanted = [
        "list 'labeling:5' holds 1 messages, and no queue owns it: see its sender",
        "list 'labelling' holds 3 messages, and no queue owns it: see its sender",
    ]
    assert told[:2] == wanted
    assert [line["message"] for line in fleet.lines("janitor")][:2] == wanted
    assert api.get("/api/v1/fleet/overview").json()["health"]["status"] == "degraded"


def test_the_gauges_are_what_the_broker_holds(fleet: Fleet, waiting: "redis.Redis") -> None:
    hold(waiting, "labeling", 0, 0)
    waiting.hset("fleet:dead:labeling", "t", "{}")
    message = json.loads(str(waiting.rpop("labeling")))
    message["headers"]["fleet_published_at"] -= 100
    waiting.rpush("labeling", json.dumps(message))

    metrics = Process(fleet).metrics

    eventually(lambda: metrics.value("fleet_queue_pending", queue="labeling") == 3)
    assert metrics.value("fleet_queue_in_flight", worker="labeling") == 2
    assert metrics.value("fleet_queue_dead_letters", queue="labeling") == 1
    assert 100 <= metrics.value("fleet_queue_oldest_age_seconds", queue="labeling") < 120
    assert metrics.value("fleet_queue_pending", queue="training") == 0
    assert metrics.value("fleet_queue_oldest_age_seconds", queue="training") == 0
    eventually(lambda: metrics.value("fleet_janitor_last_round_timestamp_seconds"))
    assert abs(metrics.value("fleet_janitor_last_round_timestamp_seconds") - time.time()) < 10


def test_a_campaign_is_told_while_it_is_on(fleet: Fleet) -> None:
    api, path = fleet.api(), "/api/v1/fleet/campaigns/labeling"
    metrics = Process(fleet).metrics
    eventually(lambda: metrics.value("fleet_janitor_last_round_timestamp_seconds"))
    assert "fleet_campaign_active" in metrics.families()
    assert metrics.value("fleet_campaign_active", queue="labeling") == 0

    since = api.put(path).json()["since"]
    assert abs(since - time.time()) < 5
    assert api.put(path).json() == {"since": since}
    eventually(lambda: metrics.value("fleet_campaign_active", queue="labeling") == 1)
    assert metrics.value("fleet_campaign_active", queue="training") == 0

    assert api.delete(path).json() == {"was_on": True}
    eventually(lambda: metrics.value("fleet_campaign_active", queue="labeling") == 0)
    assert api.put(f"{path}x").status_code == 422


def test_it_outlives_a_broker_that_is_away_and_gives_workers_time_to_renew(
    fleet: Fleet, waiting: "redis.Redis"
) -> None:
    janitor = Process(fleet)
    eventually(lambda: janitor.metrics.value("fleet_queue_pending", queue="labeling") == 5)
    broker = fleet.broker
    broker.close()
    eventually(lambda: any("broker away" in line["message"] for line in fleet.lines("janitor")))
    round_s = janitor.metrics.value("fleet_janitor_last_round_timestamp_seconds")
    time.sleep(3)
    assert janitor.metrics.value("fleet_janitor_last_round_timestamp_seconds") == round_s
    beaten = janitor.heartbeat.stat().st_mtime
    eventually(lambda: janitor.heartbeat.stat().st_mtime > beaten)
    hold(waiting, "labeling", 30)

    broker.open(broker.folder / "broker.log")
    opened = time.monotonic()
    eventually(lambda: waiting.hlen(HELD) == 0, 30)

    assert time.monotonic() - opened >= TIMEOUT_S / 4
    assert janitor.process.poll() is None
    assert sum("broker away" in line["message"] for line in fleet.lines("janitor")) == 1


def test_sigterm_ends_it_at_once_also_without_a_broker(fleet: Fleet) -> None:
    janitor = Process(fleet)
    fleet.broker.close()
    time.sleep(1)

    began = time.monotonic()
    os.kill(janitor.process.pid, signal.SIGTERM)
    code = janitor.process.wait(timeout=20)
    took_s = time.monotonic() - began
    fleet.broker.open(fleet.broker.folder / "broker.log")

    assert (code, janitor.heartbeat.exists()) == (0, False)
    assert took_s < 3


def test_a_janitor_that_is_gone_is_told_as_silent(fleet: Fleet, store: "redis.Redis") -> None:
    api = fleet.api()
    janitor = Process(fleet)
    eventually(lambda: store.exists("fleet:janitor"))
    assert api.get("/api/v1/workers/health").json()["warnings"] == []
    janitor.process.kill()
    janitor.process.wait()
    told: Any = store.hget("fleet:janitor", "told_at")
    store.hset("fleet:janitor", "told_at", float(told) - 100)

    (warning,) = api.get("/api/v1/workers/health").json()["warnings"]

    assert warning.startswith("janitor silent for 10")
