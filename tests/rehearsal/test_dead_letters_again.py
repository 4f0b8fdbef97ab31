"""Dead letters as an operator deals with them, by the API and by `fleet dead`, on a real broker."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import psutil
import pytest
import redis
from typer.testing import CliRunner, Result

from fleet import session
from fleet.api_client import FleetApi
from fleet.cli import app
from tests.rehearsal.test_dead_letters import poisoned, wait_for_start
from tests.rehearsal.worker_fleet import Fleet, create, eventually
from tests.unit.worker_stage import fair_document
from worker_image import dead_letters
from worker_image.dead_letters import DeadLetter
from worker_image.replay_step import Replay

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(180)]

WORK = "worker_image.tasks.canary.work"
DEAD = "/api/v1/fleet/dead"
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[httpx.Client], Run]:
    """`fleet dead`, at an API that is found without a cluster."""

    def at(api: httpx.Client) -> Run:
        begun = SimpleNamespace(api=FleetApi(api))
        monkeypatch.setattr(session, "begin", lambda *_: begun)
        return lambda *words, **rest: CliRunner().invoke(app, ["dead", *words], **rest)

    return at


def park(store: "redis.Redis", task_id: str, prefix: str = "", **changes: Any) -> None:
    """Park a task of `default` that takes no time."""
    options = {"task_id": task_id, "queue": "default", "retries": 3, "priority": 0}
    signature = {"task": WORK, "args": [], "kwargs": {"seconds": 0}, "options": options}
    told: dict[str, Any] = {
        "task_id": task_id,
        "task": WORK,
        "queue": "default",
        "reason": "delivered 5 times without an end",
        "deliveries": 5,
        "published_at": None,
        "redelivered_at": (),
        "last_error": "",
        "parked_at": float(store.time()[0]),
        "message": {**signature, "subtask_type": None, "immutable": False},
    }
    dead_letters.park(store, prefix, DeadLetter(**{**told, **changes}))


def waiting(store: "redis.Redis", name: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in store.lrange(name, 0, -1)]


def test_poison_is_shown_replayed_and_runs_to_its_end(
    fleet: Fleet, store: "redis.Redis", run: Callable[[httpx.Client], Run]
) -> None:
    fleet.settings["deliveryLimit"] = 1
    worker = psutil.Process(poisoned(fleet).pid)
    api = fleet.api()
    fleet_dead = run(api)
    task = create(api, "canary.work", seconds=3)
    wait_for_start(fleet, 1)
    (child,) = worker.children()
    child.kill()
    eventually(lambda: api.get(DEAD).json()["queues"]["default"]["count"] == 1, 30)
    assert api.get(f"/result/{task}").json()["status"] == "failed"

    listed = fleet_dead("list")
    shown = fleet_dead("show", "default", task)
    replayed = fleet_dead("replay", "default", task)

    assert task in listed.output
    assert "delivered 1 times without an end" in shown.output
    assert "last error: WorkerLostError: Worker exited prematurely: signal 9" in shown.output
    assert '"seconds": 3' in shown.output
    assert (replayed.exit_code, replayed.output) == (
        0,
        "replayed 1 dead letters of queue default\n",
    )
    assert api.get(f"/result/{task}").json()["status"] == "pending"
    eventually(lambda: api.get(f"/result/{task}").json()["status"] == "completed")
    assert api.get(DEAD).json()["queues"]["default"] == {"count": 0, "letters": []}
    assert store.keys("fleet:deliveries:*") == []


def test_replays_that_race_send_one_message(fleet: Fleet, store: "redis.Redis") -> None:
    apis = [fleet.api(), fleet.api()]
    for number in range(20):
        park(store, f"task-{number}")

    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            path = f"{DEAD}/default/task-{number}/replay"
            codes = list(
                pool.map(lambda n, path=path: apis[n % 2].post(path).status_code, range(8))
            )
            assert sorted(codes) == [200, *[404] * 7]

    sent = waiting(store, "default")
    assert sorted(m["headers"]["id"] for m in sent) == sorted(f"task-{n}" for n in range(20))
    # No retry is used up.
    assert {m["headers"]["retries"] for m in sent} == {0}
    assert store.hlen("fleet:dead:default") == 0


def test_a_try_whose_answer_was_lost_is_not_sent_a_second_time(store: "redis.Redis") -> None:
    store.flushall()
    park(store, "t")
    text = str(store.hget("fleet:dead:default", "t"))
    words = (3, "LPUSH", "default", "m")
    mine, others = (Replay("default", "t", text, lambda: None) for _ in range(2))

    mine.send(store, "", words, None)
    mine.done = False
    mine.send(store, "", words, None)
    others.send(store, "", words, None)

    assert (mine.done, others.done) == (True, False)
    assert store.llen("default") == 1
    assert 0 < int(store.ttl(mine.mark)) <= 3600


def test_a_letter_that_another_one_replaced_meanwhile_stays(store: "redis.Redis") -> None:
    store.flushall()
    park(store, "t")
    read = Replay("default", "t", str(store.hget("fleet:dead:default", "t")), lambda: None)
    park(store, "t", reason="parked again")

    read.send(store, "", (3, "LPUSH", "default", "m"), None)

    assert (read.done, store.llen("default"), store.hlen("fleet:dead:default")) == (False, 0, 1)


def test_a_full_broker_refuses_a_replay_and_the_letter_stays(
    fleet: Fleet, store: "redis.Redis"
) -> None:
    api = fleet.api()
    park(store, "t")
    api.post("/create", json={"task": WORK, "kwargs": {"seconds": 0}})
    store.config_set("maxmemory", "1")
    try:
        code = api.post(f"{DEAD}/default/t/replay").status_code
    finally:
        store.config_set("maxmemory", "0")

    assert code == 503
    assert (store.hlen("fleet:dead:default"), store.llen("default")) == (1, 1)


def test_an_unread_message_goes_back_to_its_list_as_it_was(
    fleet: Fleet, store: "redis.Redis", run: Callable[[httpx.Client], Run]
) -> None:
    fleet.settings = fair_document(keyPrefix="p:")
    api = fleet.api()
    fleet_dead = run(api)
    body = {"task": WORK, "kwargs": {"seconds": 0}, "queue": "labeling", "tenant": "acme"}
    ids = [api.post("/create", json=body).json()["task_id"] for _ in range(2)]
    before = waiting(store, "p:labeling.acme")
    for message in before:
        message["headers"]["task"] = "worker_image.tasks.canary.newer"
        task_id = message["headers"]["id"]
        named = {"task": "worker_image.tasks.canary.newer", "queue": "labeling"}
        park(store, task_id, "p:", **named, message={"raw": message})
    store.delete("p:labeling.acme", "p:fair:labeling:pending")

    refused = fleet_dead("replay", "labeling", "--all", input="n\n")
    done = fleet_dead("replay", "labeling", "--all", input="y\n")

    assert (refused.exit_code, done.exit_code) == (1, 0)
    assert "replay 2 of the dead letters of queue labeling?" in refused.output
    found = waiting(store, "p:labeling.acme")
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, before))
    assert store.hlen("p:fair:labeling:pending") == 2
    assert sorted(m["headers"]["id"] for m in found) == sorted(ids)
    assert store.hlen("p:fleet:dead:labeling") == 0


def test_what_no_worker_would_take_stays_parked_and_says_why(
    fleet: Fleet, store: "redis.Redis", run: Callable[[httpx.Client], Run]
) -> None:
    api = fleet.api()
    fleet_dead = run(api)
    signature: dict[str, Any] = {"args": [], "kwargs": {}, "subtask_type": None}
    signature["options"] = {"queue": "default"}
    park(store, "gone", message={**signature, "task": "worker_image.tasks.canary.gone"})
    park(store, "wrong", message={**signature, "task": WORK, "kwargs": {"minutes": 1}})
    park(store, "fine")

    done = fleet_dead("replay", "default", "--all", "--yes")

    assert done.exit_code == 1
    assert "replayed 1 dead letters" in done.output
    assert (
        "error: gone: 422: queue 'default': task 'gone' stays parked: unknown task" in done.output
    )
    assert "error: wrong: 422:" in done.output
    left = api.get(DEAD, params={"queue": "default"}).json()["queues"]["default"]
    assert sorted(letter["task_id"] for letter in left["letters"]) == ["gone", "wrong"]


def test_discarding_removes_for_good_and_the_answer_has_what_was_there(
    fleet: Fleet, store: "redis.Redis", run: Callable[[httpx.Client], Run]
) -> None:
    api = fleet.api()
    fleet_dead = run(api)
    for task_id in ("a/b", "c", "d"):
        park(store, task_id)

    answer = api.delete(f"{DEAD}/default/a%2Fb")
    again = api.delete(f"{DEAD}/default/a%2Fb")
    done = fleet_dead("discard", "default", "c", "d", "--yes")

    assert answer.json()["message"]["kwargs"] == {"seconds": 0}
    assert (again.status_code, again.json()["detail"]) == (
        404,
        "queue 'default' has no dead letter of task 'a/b'",
    )
    assert done.output == "discarded 2 dead letters of queue default\n"
    assert store.hlen("fleet:dead:default") == store.llen("default") == 0


def test_an_unknown_queue_or_letter_is_one_clear_error(
    fleet: Fleet, run: Callable[[httpx.Client], Run]
) -> None:
    fleet_dead = run(fleet.api())

    unknown = fleet_dead("list", "labelling")
    missing = fleet_dead("show", "labeling", "t")

    assert (unknown.exit_code, missing.exit_code) == (1, 1)
    assert "unknown queue 'labelling': declared are ['default', 'labeling'" in unknown.output
    assert "queue 'labeling' has no dead letter of task 't'" in missing.output
    assert "fleet dead list" in missing.output
