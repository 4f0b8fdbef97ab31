"""What a pool that is to stop can be kept from, and how long its processes outlive that."""

import gc
import time
import weakref
from threading import Event
from types import SimpleNamespace

import pytest
from billiard import pool
from celery import Celery
from celery.concurrency.thread import TaskPool
from celery.worker import state
from kombu.transport import virtual

from worker_image import drain


def test_a_process_whose_result_is_never_asked_for_ends_in_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(pool, "GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT", 300)
    monkeypatch.setattr(time, "sleep", slept.append)
    process = SimpleNamespace(on_ready_counter=SimpleNamespace(value=0))

    drain.connect(Celery("draining"))
    pool.Worker._ensure_messages_consumed(process, completed=1)

    assert 2 < sum(slept) < 5


def test_a_task_that_waits_for_a_thread_can_be_taken_back_and_one_that_runs_cannot() -> None:
    threads, running, ended = TaskPool(1), Event(), Event()
    started: list[str] = []

    def work(name: str) -> None:
        started.append(name)
        running.set()
        ended.wait(10)

    apply = drain.keeping(threads.on_apply)
    given = {name: weakref.ref(apply(work, (name,), {})) for name in ("runs", "waits")}
    requests = [
        SimpleNamespace(message=SimpleNamespace(delivery_tag=name), _apply_result=result)
        for name, result in given.items()
    ]
    gc.collect()
    assert running.wait(10)

    assert set(drain.begun(requests)) == {"runs"}
    ended.set()
    threads.on_stop()
    assert started == ["runs"]
    gc.collect()
    assert [each() for each in given.values()] == [None, None]


def test_what_is_acknowledged_or_at_its_end_is_not_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    qos = virtual.QoS(SimpleNamespace(do_restore=False))
    for tag in ("ended", "waits", "runs", "at its end", "waits too"):
        qos.append(tag, tag)
    qos.ack("ended")
    running = SimpleNamespace(
        message=SimpleNamespace(delivery_tag="runs"), _apply_result=lambda: None
    )
    monkeypatch.setattr(state, "requests", {"1": running})
    monkeypatch.setattr(drain, "ending_tags", lambda: {"at its end"})

    assert drain.waiting(qos) == ["waits", "waits too"]
