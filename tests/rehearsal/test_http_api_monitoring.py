"""What the HTTP API tells of workers and queues, beside real workers of every pool."""

import json
import signal
import time
from contextlib import suppress

import pytest
import redis

from tests.rehearsal.worker_fleet import (
    Fleet,
    counted,
    create,
    eventually,
    result,
)
from tests.unit.worker_api_stage import presence
from worker_image.announce import EXPIRES_S
from worker_image.presence import PresenceStore

pytestmark = pytest.mark.rehearsal

WORK = "worker_image.tasks.canary.work"
MONITORED = ("queues", "active", "stats", "health")
ANSWERS_WITHIN_S = 1.0


def test_monitoring_answers_at_once_with_fifty_workers(fleet: Fleet, store: "redis.Redis") -> None:
    fleet.worker("default")
    fleet.worker("labeling")
    api = fleet.api()
    running = create(api, "canary.work", "labeling", seconds=20)
    told = PresenceStore(store, "")
    for n in range(50):
        name = f"worker-scraping@pod-{n}"
        told.tell(presence(name, worker="scraping", queues=("scraping",)), expires_s=60)
    eventually(lambda: api.get("/api/v1/workers/active").json().get("worker-labeling@pod"))

    slowest_s = dict.fromkeys((*MONITORED, "overview"), 0.0)
    for path in slowest_s:
        folder = "workers" if path in MONITORED else "fleet"
        for _ in range(20):
            began = time.perf_counter()
            assert api.get(f"/api/v1/{folder}/{path}").is_success
            slowest_s[path] = max(slowest_s[path], time.perf_counter() - began)
    assert max(slowest_s.values()) < ANSWERS_WITHIN_S, slowest_s

    active = api.get("/api/v1/workers/active").json()
    (task,) = active["worker-labeling@pod"]
    assert (task["id"], task["name"], task["queue"]) == (running, WORK, "labeling")
    stats = api.get("/api/v1/workers/stats").json()
    assert len(stats) == 52
    mine = stats["worker-labeling@pod"]
    assert (mine["pool"], mine["concurrency"], mine["queues"]) == ("prefork", 1, ["labeling"])
    assert mine["rss_mib"] > 30
    health = api.get("/api/v1/workers/health").json()
    assert health["workers_connected"] == 52
    assert (health["total_queued"], health["total_active"]) == (0, 51)


def test_a_worker_that_drains_says_so_and_one_that_ended_is_gone(fleet: Fleet) -> None:
    worker = fleet.worker("labeling")
    api = fleet.api()
    running = create(api, "canary.work", "labeling", seconds=4)
    eventually(lambda: api.get("/api/v1/workers/active").json().get("worker-labeling@pod"))

    worker.send_signal(signal.SIGTERM)

    draining = eventually(
        lambda: [w for w in api.get("/api/v1/workers/stats").json().values() if w["draining"]]
    )
    assert draining[0]["active"] == 1
    assert worker.wait(timeout=15) == 0
    assert api.get("/api/v1/workers/stats").json() == {}
    assert result(api, running)["status"] == "completed"


@pytest.mark.parametrize("pool", ["threads", "gevent", "solo"])
def test_a_worker_of_any_pool_tells_what_runs(
    fleet: Fleet, store: "redis.Redis", pool: str
) -> None:
    worker = fleet.worker("labeling", f"--pool={pool}")
    api = fleet.api()
    done = create(api, "canary.work", "labeling", seconds=0)
    assert result(api, done)["status"] == "completed"
    running = create(api, "canary.work", "labeling", seconds=6)

    (task,) = eventually(lambda: api.get("/api/v1/workers/active").json()["worker-labeling@pod"])
    assert task["id"] == running
    told = api.get("/api/v1/workers/stats").json()["worker-labeling@pod"]
    assert (told["pool"], told["processed"]) == ("thread" if pool == "threads" else pool, 1)
    # A solo worker tells nothing more until its task has ended.
    longest_s = 1800 if pool == "solo" else 0
    left_s = store.pttl("fleet:worker:worker-labeling@pod") / 1000
    assert longest_s < left_s <= longest_s + EXPIRES_S
    with suppress(ProcessLookupError):
        worker.kill()


def test_waits_of_tasks_that_ran_are_in_the_last_hours_chart(fleet: Fleet) -> None:
    api = fleet.api()
    tasks = [create(api, "canary.work", seconds=0) for _ in range(10)]
    time.sleep(1.5)
    fleet.worker("default")
    counted(api, "default", len(tasks))

    minutes = api.get("/api/v1/fleet/overview").json()["waits"]["default"]

    assert sum(minute["tasks"] for minute in minutes) == 10
    assert all(1.3 < minute["p50_seconds"] < 20 for minute in minutes)


def test_a_backlog_is_told_by_its_oldest_message(fleet: Fleet, store: "redis.Redis") -> None:
    api = fleet.api()
    for _ in range(3):
        create(api, "canary.work", "labeling", seconds=0)
    (old, *_) = store.lrange("labeling:3", -1, -1) or store.lrange("labeling", -1, -1)
    message = json.loads(old)
    message["headers"]["fleet_published_at"] -= 1020
    store.rpush("labeling", json.dumps(message))
    store.rpush("default", "no message at all")

    told = api.get("/api/v1/workers/health").json()

    assert told["warnings"] == [
        "queue labeling: no worker is connected, 4 waiting, the oldest for 17 minutes"
    ]
    assert told["queues"]["default"] == {"pending": 1, "status": "ok"}
