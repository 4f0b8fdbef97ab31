"""What a worker tells of itself."""

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from celery.concurrency.prefork import TaskPool
from celery.worker import state

from tests.unit.worker_api_stage import presence
from tests.unit.worker_stage import fair_document, load
from worker_image import announce
from worker_image.announce import EXPIRES_S, INTERVAL_S, Announcer, Worker
from worker_image.presence import Presence


class Request:
    """Hashed and weakly referenced, as Celery's are."""

    def __init__(self, task_id: str, route: str, time_start: float | None) -> None:
        self.id, self.name, self.time_start = task_id, "t", time_start
        self.delivery_info = {"routing_key": route}


class Store:
    def __init__(self) -> None:
        self.told: list[tuple[Presence, float]] = []
        self.gone: list[str] = []
        self.trouble: Exception | None = None

    def tell(self, told: Presence, expires_s: float) -> None:
        if self.trouble:
            raise self.trouble
        self.told.append((told, expires_s))

    def withdraw(self, name: str) -> None:
        self.gone.append(name)


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    consumed = {"labeling": None, "labeling.acme": None}
    pool = SimpleNamespace(num_processes=4)
    pool.__module__ = "celery.concurrency.prefork"
    consumer: Any = SimpleNamespace(
        hostname="worker-labeling@pod",
        pool=pool,
        app=SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=consumed))),
    )
    return Worker(load(tmp_path, fair_document(), FLEET_WORKER="labeling"), consumer)


def test_a_worker_whose_pool_has_ended_first_tells_that_it_has_no_slots(worker: Worker) -> None:
    ended = TaskPool(4)
    with pytest.raises(AttributeError):
        _ = ended.num_processes
    worker._consumer.pool = ended

    assert worker.look().concurrency == 0


def announcer(store: Any) -> Announcer:
    return Announcer(store, presence)


def test_a_worker_tells_what_runs_and_of_which_queue(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = time.time() - 3
    running, fetched = Request("1", "labeling.acme", started), Request("2", "labeling", None)
    monkeypatch.setattr(state, "active_requests", {running, fetched})
    monkeypatch.setattr(state, "total_count", {"t": 9})

    told = worker.look()

    assert (told.name, told.worker, told.pid) == ("worker-labeling@pod", "labeling", os.getpid())
    assert (told.pool, told.concurrency, told.queues) == ("prefork", 4, ("labeling",))
    (task,) = told.active
    assert (task.id, task.queue, task.started_at) == ("1", "labeling", started)
    assert told.running == 1
    assert told.rss_bytes > 10 * 2**20


def test_a_worker_that_drains_may_take_as_long_as_its_queues_allow(worker: Worker) -> None:
    assert worker.longest_s() == 1800


@pytest.mark.parametrize(("pool", "by_timer"), [("prefork", True), ("solo", False)])
def test_a_solo_worker_tells_without_its_loop_which_stands_still_while_a_task_runs(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, pool: str, *, by_timer: bool
) -> None:
    store = Store()
    timed: list[object] = []

    def call_repeatedly(_seconds: float, deed: object) -> SimpleNamespace:
        timed.append(deed)
        return SimpleNamespace(cancel=timed.clear)

    monkeypatch.setattr(announce, "INTERVAL_S", 0.02)
    worker._consumer.pool.__module__ = f"celery.concurrency.{pool}"
    worker._consumer.timer = SimpleNamespace(call_repeatedly=call_repeatedly)
    step = announce.Announce.__new__(announce.Announce)
    step._worker, step._announcer = worker, announcer(store)

    step.start(worker._consumer)
    time.sleep(0.2)
    told = len(store.told)
    assert (len(timed) == 1, told > 2) == (by_timer, not by_timer)

    step.stop(worker._consumer)
    time.sleep(0.05)
    ended = len(store.told)
    time.sleep(0.1)
    assert (timed, len(store.told)) == ([], ended)


def test_a_solo_worker_whose_task_lets_nothing_else_run_is_still_there(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()
    monkeypatch.setattr(announce, "INTERVAL_S", 0.02)
    step = announce.Announce.__new__(announce.Announce)
    step._worker, step._announcer = worker, announcer(store)
    monkeypatch.setattr(state, "active_requests", {Request("1", "labeling", time.time())})

    stop = step._from_a_thread()
    time.sleep(0.2)
    stop()

    assert {expires_s for _, expires_s in store.told} == {EXPIRES_S + 1800}


def test_a_worker_that_missed_some_intervals_is_still_there() -> None:
    assert EXPIRES_S >= 3 * INTERVAL_S + 5


def test_after_a_failure_the_loop_is_not_held_up_again_at_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, now = Store(), 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    telling = announcer(store)
    store.trouble = redis.ConnectionError("gone")
    telling.tell()
    store.trouble = None

    telling.tell()
    assert store.told == []
    assert "presence not told, again in 5 s: gone" in caplog.text

    now += 5.1
    telling.tell()
    assert [expires_s for _, expires_s in store.told] == [EXPIRES_S]


def test_a_worker_that_ends_says_so() -> None:
    store = Store()
    announcer(store).withdraw("worker-labeling@pod")

    assert store.gone == ["worker-labeling@pod"]
