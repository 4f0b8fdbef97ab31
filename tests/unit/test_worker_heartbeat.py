"""The heartbeat file: there once the process serves, fresh while its loop turns."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from celery.worker.consumer import Consumer as CeleryConsumer
from redbeat.schedulers import RedBeatScheduler
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockNotOwnedError

from worker_image import beat, consumer
from worker_image.heartbeat import INTERVAL_S, Heartbeat


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "heartbeat"


def age(file: Path, seconds: float) -> None:
    os.utime(file, (time.time() - seconds,) * 2)


def is_fresh(file: Path) -> bool:
    return file.exists() and time.time() - file.stat().st_mtime < 5


def test_the_file_appears_at_the_start_and_is_touched_by_the_timer(file: Path) -> None:
    heartbeat, timer = Heartbeat(file), Mock()
    assert not file.exists()

    heartbeat.start(timer)
    assert is_fresh(file)

    interval_s, beat_again = timer.call_repeatedly.call_args.args
    age(file, 100)
    beat_again()
    assert is_fresh(file)
    assert interval_s == INTERVAL_S < 60 / 2


def test_the_file_is_gone_after_the_stop(file: Path) -> None:
    heartbeat = Heartbeat(file)
    heartbeat.start(Mock())

    heartbeat.stop()
    heartbeat.stop()

    assert not file.exists()


def test_a_disk_that_cannot_be_written_does_not_end_the_loop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Heartbeat(tmp_path / "missing" / "heartbeat").beat()

    assert "heartbeat not written" in caplog.text


def test_without_a_file_nothing_happens() -> None:
    heartbeat = Heartbeat(None)
    heartbeat.start(Mock())
    heartbeat.stop()


def connecting(monkeypatch: pytest.MonkeyPatch, heartbeat: Heartbeat) -> list[dict[str, Any]]:
    """Let a consumer connect to a broker that is away for a second; what kombu was asked."""
    monkeypatch.setattr(consumer, "of_this_process", lambda: heartbeat)
    asked: list[dict[str, Any]] = []

    def ensure(errback: Callable[..., None], max_retries: int | None, **options: Any) -> Any:
        asked.append({"errback": errback, "max_retries": max_retries, **options})
        options["callback"]()
        return connection

    connection = SimpleNamespace(ensure_connection=ensure)
    conf = Mock(broker_connection_max_retries=None)
    built = Mock(spec=CeleryConsumer, app=Mock(conf=conf), first_connection_attempt=True)
    built.__class__ = consumer.Consumer
    assert consumer.Consumer.ensure_connected(built, connection) is connection
    return asked


def test_a_worker_that_waits_for_the_broker_again_is_alive(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat(file)
    heartbeat.start(Mock())
    age(file, 100)

    (asked,) = connecting(monkeypatch, heartbeat)

    assert is_fresh(file)
    assert asked["max_retries"] is None
    assert asked["interval_max"] <= 5


def test_a_worker_that_never_was_ready_does_not_pretend(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting(monkeypatch, Heartbeat(file))

    assert not file.exists()


@pytest.fixture
def scheduler(file: Path, monkeypatch: pytest.MonkeyPatch) -> beat.Scheduler:
    monkeypatch.setattr(beat, "of_this_process", lambda: Heartbeat(file))
    return beat.Scheduler.__new__(beat.Scheduler)


def test_each_tick_of_beat_touches_the_file(
    file: Path, scheduler: beat.Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedBeatScheduler, "tick", lambda _: 3.0)

    assert scheduler.tick() == 3.0
    assert is_fresh(file)


def test_beat_outlives_a_broker_that_is_away(
    file: Path, scheduler: beat.Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedBeatScheduler, "tick", Mock(side_effect=RedisConnectionError("gone")))

    assert 0 < scheduler.tick() < 5
    assert is_fresh(file)


def test_beat_that_lost_its_lock_ends(
    file: Path, scheduler: beat.Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedBeatScheduler, "tick", Mock(side_effect=LockNotOwnedError("lost")))

    with pytest.raises(LockNotOwnedError):
        scheduler.tick()
    assert not file.exists()
