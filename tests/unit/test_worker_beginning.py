"""A task begins while its message's lease is sure; else the server is asked, and may know."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from celery.concurrency.thread import TaskPool as ThreadPool
from celery.worker import state
from kombu.asynchronous.semaphore import LaxBoundedSemaphore
from kombu.utils.limits import TokenBucket

from tests.unit.beginning_stage import FROZEN_S, Processes, Worker
from tests.unit.lease_stage import Clock, until


@pytest.fixture(autouse=True)
def _state() -> Iterator[None]:
    yield
    state.reset_state()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("worker_image.transport.lease.monotonic", clock)
    return clock


@pytest.fixture
def worker(clock: Clock) -> Worker:
    return Worker(Processes(), clock)


def nothing_is_known_of(request: Any) -> bool:
    sets = (state.reserved_requests, state.scheduled_requests)
    return request.id not in state.requests and not any(request in each for each in sets)


def test_what_is_surely_held_begins_without_a_word_to_the_server(worker: Worker) -> None:
    worker.reserve(worker.receive("1"))

    assert worker.pool.handed == ["1"]
    assert worker.server.renewed == []
    assert not worker.soon


def test_what_is_held_no_longer_surely_begins_once_its_lease_is_renewed(
    worker: Worker,
    clock: Clock,
) -> None:
    request = worker.receive("1")
    clock.now_s += FROZEN_S
    worker.reserve(request)
    worker.turn()
    assert worker.pool.handed == []
    assert worker.lease._asked

    worker.lease.renew()
    worker.turn()

    assert worker.pool.handed == ["1"]
    assert worker.semaphore.value == 0


def test_what_another_has_taken_is_dropped_and_its_slot_goes_to_the_next(
    worker: Worker,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lost, waits = worker.receive("1"), worker.receive("2")
    clock.now_s += FROZEN_S
    worker.reserve(lost)
    worker.reserve(waits)
    worker.server.gone = {"1"}

    worker.lease.renew()
    worker.turn()

    assert worker.pool.handed == ["2"]
    assert nothing_is_known_of(lost)
    assert worker.forgotten == ["1"]
    assert "task task[1] is not begun" in caplog.text


def test_any_number_that_waits_for_one_slot_is_dropped_in_turn(
    worker: Worker,
    clock: Clock,
) -> None:
    """Celery's semaphore would call itself for each one that gives its slot back."""
    for number in range(1000):
        worker.reserve(worker.receive(str(number)))
    clock.now_s += FROZEN_S
    worker.server.gone = {str(number) for number in range(1, 1000)}

    worker.lease.renew()
    worker.turn()
    assert len(worker.forgotten) == 999
    worker.semaphore.release()
    worker.turn()

    assert worker.pool.handed == ["0"]
    assert worker.semaphore.value == 1


def test_what_waits_for_its_time_is_dropped_with_its_timer_and_its_room(worker: Worker) -> None:
    request = worker.receive("1")
    worker.qos.increment_eventually()
    request._eta_timer_entry = worker.timer.call_after(0, worker.reserve, (request,))
    state.task_scheduled(request)
    worker.server.gone = {"1"}

    worker.lease.renew()
    worker.soon.popleft()()
    worker.turn()

    assert worker.pool.handed == []
    assert nothing_is_known_of(request)
    assert worker.forgotten == ["1"]
    assert worker.qos.value == 1


def test_what_waits_for_its_rate_limit_is_dropped(worker: Worker) -> None:
    bucket = worker.task_buckets["task"] = TokenBucket(0.001)
    lost, waits = worker.receive("1"), worker.receive("2")
    for request in (lost, waits):
        bucket.add((request, 1))
    worker.server.gone = {"1"}

    worker.lease.renew()
    worker.turn()

    assert [request.id for request, _ in bucket.contents] == ["2"]
    assert worker.forgotten == ["1"]


@pytest.mark.parametrize("how", ["runs", "handed over"])
def test_what_has_begun_goes_on_without_its_lease(worker: Worker, how: str) -> None:
    request = worker.receive("1")
    worker.reserve(request)
    if how == "runs":
        request.on_accepted()
        request._apply_result = None  # as in a pool whose tasks run in the loop
    worker.server.gone = {"1"}

    worker.lease.renew()
    worker.turn()

    assert state.requests == {"1": request}
    assert worker.forgotten == []


def test_what_a_lost_connection_made_celery_forget_does_not_begin(
    worker: Worker,
    clock: Clock,
) -> None:
    request = worker.receive("1")
    clock.now_s += FROZEN_S
    worker.reserve(request)
    state.reset_state()

    worker.lease.renew()
    worker.turn()

    assert worker.pool.handed == []
    assert worker.forgotten == []  # it is given back, as all that the connection left
    assert worker.semaphore.value == 1


def test_a_later_delivery_of_a_dropped_task_stays_known(worker: Worker) -> None:
    lost, later = worker.receive("1"), worker.receive("2")
    later.id = "1"
    for request in (lost, later):
        state.task_scheduled(request)
    lost._eta_timer_entry = worker.timer.call_after(60, lambda: None)
    worker.server.gone = {"1"}

    worker.lease.renew()
    worker.turn()

    assert state.requests == {"1": later}
    assert set(state.scheduled_requests) == {later}
    assert lost._eta_timer_entry.canceled


def test_what_waited_in_a_pool_of_threads_is_looked_at_as_its_thread_begins(
    clock: Clock,
) -> None:
    ran, running, ended = [], Event(), Event()

    def work(tag: str) -> None:
        ran.append(tag)
        running.set()
        ended.wait(10)

    threads = ThreadPool(1)
    worker = Worker(threads, clock)
    worker.semaphore = LaxBoundedSemaphore(9)  # Celery counts no slots of threads
    given = threads.apply_async

    def process(request: Any) -> None:
        callback = {"callback": lambda _: None, "accept_callback": request.on_accepted}
        request._apply_result = given(work, (request.id,), **callback)

    worker.process = worker.controller._process_task = process  # type: ignore[method-assign]  # as Celery hands over
    for tag in "123":
        worker.reserve(worker.receive(tag))
    assert running.wait(10)
    clock.now_s += FROZEN_S
    worker.server.gone = {"2"}
    ended.set()
    until(lambda: len(worker.soon) + worker.lease._asked)
    worker.lease.renew()

    def begun() -> bool:
        worker.turn()
        return len(ran) == 2

    until(begun)
    threads.on_stop()

    assert ran == ["1", "3"]
    assert worker.forgotten == ["2"]
