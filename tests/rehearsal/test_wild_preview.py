"""A preview gone wild beside its base on one broker: where it ends, and what the base feels."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import httpx
import pytest
import redis

from tests.rehearsal.worker_fleet import Broker, Fleet, Processes, create, eventually, result
from tests.unit.worker_stage import document, fair_document

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(180)]

PREFIX = "preview-wild:"
QUEUE = "default"
MOST = 100
BASE_TASKS = 20
PUSHED = 100_000
WORK = "worker_image.tasks.canary.work"
BOMB = "benchmarks.wild.bomb"
# Prints one word for each: the id of what was sent, or what kept it from being sent.
SEND = """
from worker_image.app import app
from worker_image.room import QueueFullError
app.loader.import_default_modules()
import benchmarks.wild.bomb
for _ in range({count}):
    try:
        print(app.send_task({task!r}, kwargs={kwargs!r}, queue="default", **{more!r}))
    except QueueFullError:
        print("full")
"""


@pytest.fixture
def base(fleet: Fleet) -> Fleet:
    """Without a key prefix, as a stack that was there first."""
    fleet.worker(QUEUE)
    return fleet


def bounded(told: dict[str, Any]) -> dict[str, Any]:
    for queue in told["queues"].values():
        queue["maxMessages"] = MOST
    return told


@pytest.fixture
def preview(fleet: Fleet, tmp_path: Path) -> Iterator[Fleet]:
    """Another stack on the base's broker; the broker is emptied before."""
    folder = tmp_path / "preview"
    folder.mkdir()
    settings = bounded(document(keyPrefix=PREFIX))
    preview = Fleet(folder, fleet.broker, Processes(Path.cwd()), settings)
    yield preview
    preview.stop()


def sent(fleet: Fleet, count: int, task: str = WORK, **more: Any) -> list[str]:
    kwargs = {"seconds": 0} if task == WORK else {}
    return fleet.publish(SEND.format(count=count, task=task, kwargs=kwargs, more=more))


def held(store: "redis.Redis") -> int:
    """What waits in the preview's queue or is held by its worker, at one moment."""
    with store.pipeline(transaction=True) as pipe:
        for step in ("", ":3", ":6", ":9"):
            pipe.llen(f"{PREFIX}{QUEUE}{step}")
        pipe.hlen(f"{PREFIX}unacked:{QUEUE}")
        return sum(map(int, pipe.execute()))


def failures(broker: Broker) -> list[str]:
    """Errors that the preview's tasks ended with."""
    with broker.client(1) as results:
        keys = list(results.scan_iter(f"{PREFIX}celery-task-meta-*", count=1000))
        told = [json.loads(text) for text in results.mget(keys) if text] if keys else []
    return [each["result"]["exc_type"] for each in told if each["status"] == "FAILURE"]


def test_a_task_that_sends_two_of_itself_ends_at_the_bound_and_says_so(
    base: Fleet, preview: Fleet, store: "redis.Redis"
) -> None:
    api = base.api()
    preview.worker(QUEUE, "-I", BOMB)
    sent(preview, 1, f"{BOMB}.split")
    most = 0

    def refused() -> bool:
        nonlocal most
        most = max(most, held(store))
        return len(failures(preview.broker)) > BASE_TASKS

    eventually(refused, 60)
    tasks = [create(api, "canary.work", QUEUE, seconds=0) for _ in range(BASE_TASKS)]
    ended = [result(api, task)["status"] for task in tasks]

    assert 0.9 * MOST < most <= MOST
    assert set(failures(preview.broker)) == {"QueueFullError"}
    assert ended == ["completed"] * BASE_TASKS
    # A task that fails leaves its place to another: none was parked, none came again.
    assert store.keys(f"{PREFIX}fleet:dead:*") == []


def test_senders_are_told_that_the_queue_is_full_and_nothing_is_lost(
    preview: Fleet, store: "redis.Redis"
) -> None:
    words = sent(preview, 3 * MOST)
    ids = [word for word in words if word != "full"]
    assert (len(ids), words.count("full")) == (MOST, 2 * MOST)
    assert words[:MOST] == ids
    assert held(store) == MOST

    api = preview.api()
    refused = api.post("/create", json={"task": WORK, "kwargs": {"seconds": 0}, "queue": QUEUE})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert f"queue 'default' holds {MOST} messages" in refused.json()["detail"]
    assert "queues.default.maxMessages" in refused.json()["detail"]
    assert create(api, "canary.work", "scraping", seconds=0)

    preview.worker(QUEUE)
    assert [result(api, task)["status"] for task in ids] == ["completed"] * MOST
    assert result(api, create(api, "canary.work", QUEUE, seconds=0))["status"] == "completed"


def test_refusals_cost_the_broker_no_connections(preview: Fleet, store: "redis.Redis") -> None:
    """Kombu makes a new one after any exception that passes its producer, 5.7.0."""
    api = preview.api()
    sent(preview, MOST)
    opened = int(store.info("stats")["total_connections_received"])

    assert sent(preview, MOST) == ["full"] * MOST
    body = {"task": WORK, "kwargs": {"seconds": 0}, "queue": QUEUE}
    assert {api.post("/create", json=body).status_code for _ in range(MOST)} == {429}

    assert int(store.info("stats")["total_connections_received"]) - opened < MOST / 4


def test_what_was_sent_under_a_key_is_found_though_the_queue_is_full(
    preview: Fleet, store: "redis.Redis"
) -> None:
    api = preview.api()

    def send(key: str) -> httpx.Response:
        body = {"task": WORK, "kwargs": {"seconds": 0}, "queue": QUEUE}
        return api.post("/create", json=body, headers={"Idempotency-Key": key})

    first = send("mine")
    sent(preview, MOST)

    assert send("mine").json() == first.json()
    assert send("another").status_code == 429
    assert store.keys(f"{PREFIX}fleet:once:*") != []
    # A refused request leaves no mark: asked again later, it is sent.
    store.delete(f"{PREFIX}{QUEUE}")
    assert send("another").status_code == 200
    assert store.llen(f"{PREFIX}{QUEUE}") == 1


def test_tasks_that_a_worker_holds_until_their_time_count(
    preview: Fleet, store: "redis.Redis"
) -> None:
    preview.worker(QUEUE)
    words = sent(preview, MOST, countdown=600)
    eventually(lambda: store.llen(f"{PREFIX}{QUEUE}") == 0)

    assert words.count("full") == 0
    assert sent(preview, 5) == ["full"] * 5


def test_a_retry_is_sent_to_a_full_queue(preview: Fleet, store: "redis.Redis") -> None:
    sent(preview, MOST)

    (retried,) = sent(preview, 1, retries=1)

    assert retried != "full"
    assert held(store) == MOST + 1


def test_what_was_accepted_before_is_sent_to_a_full_queue(
    preview: Fleet, store: "redis.Redis"
) -> None:
    sent(preview, MOST)
    program = SEND.format(count=1, task=WORK, kwargs={"seconds": 0}, more={})

    (word,) = preview.publish(
        f"from worker_image.room import promised\nwith promised():\n{indent(program, '    ')}"
    )

    assert word != "full"
    assert held(store) == MOST + 1


def test_the_tenants_of_a_fair_queue_share_its_room(preview: Fleet, store: "redis.Redis") -> None:
    preview.settings = bounded(fair_document(keyPrefix=PREFIX))
    api = preview.api()

    def ask(number: int) -> int:
        body = {"task": WORK, "kwargs": {"seconds": 0}, "queue": "labeling"}
        answer = api.post("/create", json=body | {"tenant": f"tenant-{number % 3}"})
        return answer.status_code

    codes = [ask(number) for number in range(MOST + 10)]

    assert codes == [200] * MOST + [429] * 10
    assert store.hlen(f"{PREFIX}fair:labeling:pending") == MOST


def test_messages_pushed_past_the_image_cost_the_base_memory_and_no_task(
    base: Fleet, preview: Fleet, store: "redis.Redis"
) -> None:
    """A stock client's: nothing refuses them, and the preview's worker takes them one by one."""
    api = base.api()
    sent(preview, 1)
    message = str(store.lindex(f"{PREFIX}{QUEUE}", 0))
    before_bytes = int(store.info("memory")["used_memory"])
    with store.pipeline(transaction=False) as pipe:
        for _ in range(PUSHED // 1000):
            pipe.lpush(f"{PREFIX}{QUEUE}", *[message] * 1000)
        pipe.execute()
    cost_bytes = int(store.info("memory")["used_memory"]) - before_bytes
    preview.worker(QUEUE)

    started = time.monotonic()
    tasks = [create(api, "canary.work", QUEUE, seconds=0) for _ in range(BASE_TASKS)]
    ended = [result(api, task)["status"] for task in tasks]

    assert ended == ["completed"] * BASE_TASKS
    assert held(store) > PUSHED / 2, f"all done before the base, {time.monotonic() - started:.1f} s"
    assert cost_bytes < 1.3 * PUSHED * len(message)
    assert sent(preview, 1) == ["full"]
    queues = api.get("/api/v1/fleet/queues").json()["queues"]
    assert queues[QUEUE]["done"] <= BASE_TASKS
    assert queues[QUEUE]["pending"] == 0
