"""Deliveries are counted from the second one on, and one too many parks the message."""

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import Celery
from celery._state import _task_stack
from celery.app.task import Context
from celery.exceptions import Reject

from tests.unit.worker_stage import document, fair_document, load
from worker_image import dead_letters, poison
from worker_image.factory import build_app
from worker_image.poison import Guard

WORK = "worker_image.tasks.canary.work"
COUNTED = "fleet:deliveries:1"


class Store:
    """Stand-in for a Redis client: hashes in memory, a pipeline that runs at once; may be away."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.away = False
        self._answers: list[Any] = []

    def __enter__(self) -> "Store":
        self._answers = []
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*args: Any, **_: Any) -> Any:
            self.asked.append(name)
            if self.away:
                raise redis.ConnectionError("gone")
            answer = getattr(self, f"_{name}")(*args)
            self._answers.append(answer)
            return answer

        return ask

    def pipeline(self, **_: Any) -> "Store":
        return self

    def execute(self) -> list[Any]:
        return self._answers

    def _hset(self, key: str, field: str, value: str) -> None:
        self.hashes.setdefault(key, {})[field] = value

    def _hsetnx(self, key: str, field: str, value: str) -> None:
        self.hashes.setdefault(key, {}).setdefault(field, value)

    def _hget(self, key: str, field: str) -> str | None:
        return self.hashes.get(key, {}).get(field)

    def _hgetall(self, key: str) -> dict[str, str]:
        return dict(self.hashes.get(key, {}))

    def _hvals(self, key: str) -> list[str]:
        return list(self.hashes.get(key, {}).values())

    def _hlen(self, key: str) -> int:
        return len(self.hashes.get(key, {}))

    def _exists(self, key: str) -> int:
        return int(key in self.hashes)

    def _hdel(self, key: str, field: str) -> int:
        return int(self.hashes.get(key, {}).pop(field, None) is not None)

    def _expire(self, key: str, seconds: int) -> None:
        assert seconds > 3600, key

    def _delete(self, key: str) -> None:
        self.hashes.pop(key, None)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def guard(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Guard:
    told = fair_document(deliveryLimit=3, keyPrefix="")
    guard = Guard(load(tmp_path, told), store)  # type: ignore[arg-type]  # a stand-in
    monkeypatch.setattr(poison, "of_this_process", lambda: guard)
    return guard


@pytest.fixture
def app(tmp_path: Path) -> Celery:
    app = build_app(load(tmp_path))
    app.loader.import_default_modules()
    return app


def deliver(app: Celery, *, again: bool = True, retries: int = 0, **headers: Any) -> bool:
    """Run the task as a pool process does; `again` is the broker's mark of a second delivery.

    Returns whether its message stays: its body ran, or it goes back to its queue.
    """
    task = app.tasks[WORK]
    delivery = {"routing_key": "labeling.acme", "exchange": "", "redelivered": again}
    told = {"args": [], "kwargs": {"seconds": 0}, "delivery_info": delivery}
    _task_stack.push(task)
    task.push_request(id="1", retries=retries, **told, **headers)
    try:
        task.run(seconds=0)
    except Reject as rejected:
        # Requeued, it would come back for ever.
        return bool(rejected.requeue)
    finally:
        task.pop_request()
        _task_stack.pop()
    return True


def test_a_first_delivery_asks_the_broker_nothing(app: Celery, guard: Guard, store: Store) -> None:
    assert deliver(app, again=False)
    guard.on_end("1")

    assert store.asked == []


def test_deliveries_without_an_end_are_counted_and_the_one_too_many_is_parked(
    app: Celery, guard: Guard, store: Store
) -> None:
    parked: list[str] = []
    guard.on_park = parked.append
    published_at = time.time() - 60
    for _ in range(2):
        assert deliver(app)
    assert len(store.hashes[COUNTED]) == 2

    assert not deliver(app, fleet_published_at=published_at)

    (letter,) = dead_letters.read(store, "", "labeling")  # type: ignore[arg-type]  # a stand-in
    assert (letter.task_id, letter.task, letter.deliveries) == ("1", WORK, 3)
    assert letter.published_at == published_at
    assert len(letter.redelivered_at) == 2
    assert letter.message["kwargs"] == {"seconds": 0}
    assert letter.message["options"]["queue"] == "labeling.acme"
    assert COUNTED not in store.hashes
    assert parked == ["labeling"]


def test_a_parked_message_is_there_once_and_can_be_removed(
    app: Celery, guard: Guard, store: Store
) -> None:
    client: Any = store
    for _ in range(2):
        for _ in range(3):
            deliver(app)

    assert dead_letters.counts(client, "", ["default", "labeling"]) == {"default": 0, "labeling": 1}
    stored = dead_letters.stored(client, "", "labeling", "1")
    letter = dead_letters.discard(client, "", "labeling", "1")
    assert letter is not None
    assert stored == letter.model_dump_json()
    assert dead_letters.discard(client, "", "labeling", "1") is None
    assert dead_letters.stored(client, "", "labeling", "1") is None
    assert dead_letters.read(client, "", "labeling") == []
    assert guard.on_park is not None


def test_an_end_of_any_kind_forgets_the_count(app: Celery, guard: Guard, store: Store) -> None:
    deliver(app)
    guard.on_end("1")

    assert COUNTED not in store.hashes


def test_a_task_sent_again_after_its_process_was_lost_is_counted(
    app: Celery, guard: Guard, store: Store
) -> None:
    lost = SimpleNamespace(exc=WorkerLostError("signal 9 (SIGKILL)"))
    for published_at in (100.0, 200.0):
        guard.on_retry(Context(id="1", fleet_published_at=published_at), lost)
    deliver(app, again=False, retries=1)

    counted = store.hashes[COUNTED]
    assert counted.pop("error") == "WorkerLostError: signal 9 (SIGKILL)"
    assert counted.pop("published") == "100.0"
    assert len(counted) == 1


def test_an_ordinary_retry_is_no_second_delivery(app: Celery, guard: Guard, store: Store) -> None:
    for retries in range(1, 9):
        assert deliver(app, again=False, retries=retries)
        guard.on_end("1")

    assert store.hashes == {}


def test_an_ordinary_retry_is_no_error_of_the_message(guard: Guard, store: Store) -> None:
    guard.on_retry(SimpleNamespace(id="1"), SimpleNamespace(exc=OSError("busy")))
    guard.on_retry(SimpleNamespace(id="1"))

    assert store.asked == []


def test_what_celery_gives_up_with_its_process_lost_is_parked(
    app: Celery, guard: Guard, store: Store
) -> None:
    task = app.tasks[WORK]
    delivery = {"routing_key": "default", "exchange": ""}
    task.push_request(id="1", args=[], kwargs={"seconds": 0}, delivery_info=delivery, retries=5)
    guard.on_failure(task, "1", TimeLimitExceeded(5))
    assert store.asked == []

    guard.on_failure(task, "1", WorkerLostError("gone"))
    task.pop_request()

    (letter,) = dead_letters.read(store, "", "default")  # type: ignore[arg-type]  # a stand-in
    assert letter.last_error == "WorkerLostError: gone"


def test_a_broker_that_is_away_stops_no_task(app: Celery, guard: Guard, store: Store) -> None:
    store.away = True

    assert deliver(app)
    guard.on_end("1")


def test_a_message_that_cannot_be_parked_is_told_whole(
    guard: Guard, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.away = True
    message = SimpleNamespace(
        headers={"id": "7", "task": "x"}, delivery_info={"routing_key": "default"}, _raw={"a": "b"}
    )
    guard.park_unread(message, "no such task")

    assert '"raw":{"a":"b"}' in caplog.text


def test_a_run_that_makes_progress_is_no_poison(
    app: Celery, guard: Guard, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_: float) -> None:
        assert COUNTED in store.hashes
        poison.made_progress()
        assert COUNTED not in store.hashes

    monkeypatch.setattr("worker_image.tasks.canary.time.sleep", sleep)
    for _ in range(9):
        assert deliver(app)
    assert guard.on_park is not None


def test_the_limit_is_five_unless_it_is_told(tmp_path: Path) -> None:
    assert load(tmp_path, document()).fleet.delivery_limit == 5
