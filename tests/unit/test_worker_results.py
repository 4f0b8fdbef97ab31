"""What a worker asks Redis to keep a task's result."""

from pathlib import Path
from typing import Any, cast

import pytest
import redis
from celery.states import FAILURE, SUCCESS

from tests.unit.worker_stage import load
from worker_image.factory import build_app
from worker_image.publish import RefusedError
from worker_image.results import ResultBackend, Results, TaskOutcome


class Redis:
    """A client and its pipeline, with strings in memory."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {}
        self.published: list[Any] = []
        self.asked: list[str] = []

    def pipeline(self) -> "Redis":
        return self

    def __enter__(self) -> "Redis":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, key: str) -> Any:
        self.asked.append("get")
        return self.stored.get(key)

    def set(self, key: str, value: Any, *, nx: bool = False, ex: int) -> None:
        assert ex > 0
        self._new = not (nx and key in self.stored)
        if self._new:
            self.stored[key] = value

    def setex(self, key: str, _seconds: int, value: Any) -> None:
        self.stored[key] = value

    def publish(self, _key: str, value: Any) -> None:
        self.published.append(value)

    def execute(self) -> list[bool]:
        self.asked.append("pipeline")
        return [self._new]


@pytest.fixture
def client() -> Redis:
    return Redis()


@pytest.fixture
def backend(tmp_path: Path, client: Redis) -> ResultBackend:
    made = build_app(load(tmp_path)).backend
    assert isinstance(made, ResultBackend)
    made.__dict__["client"] = client
    return made


def test_a_success_is_stored_and_told_in_one_round_trip(
    backend: ResultBackend, client: Redis
) -> None:
    backend.store_result("1", {"n": 1}, SUCCESS)

    assert client.asked == ["pipeline"]
    assert len(client.published) == 1
    assert backend.get_task_meta("1")["result"] == {"n": 1}


def test_a_second_success_does_not_replace_the_first(backend: ResultBackend, client: Redis) -> None:
    backend.store_result("1", "first", SUCCESS)
    backend.store_result("1", "second", SUCCESS)
    backend.store_result("1", ValueError("late"), FAILURE)

    assert backend.decode_result(client.stored[backend.get_key_for_task("1")])["result"] == "first"


def test_a_success_replaces_any_other_state(backend: ResultBackend, client: Redis) -> None:
    client._new = True
    backend.store_result("1", {"share": 0.5}, "PROGRESS")
    backend.store_result("1", "done", SUCCESS)

    assert backend.decode_result(client.stored[backend.get_key_for_task("1")])["result"] == "done"


@pytest.mark.parametrize("state", [SUCCESS, "PROGRESS"])
def test_a_store_that_is_full_fails_no_task_and_is_told(
    backend: ResultBackend,
    client: Redis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    state: str,
) -> None:
    def full() -> None:
        raise redis.OutOfMemoryError

    monkeypatch.setattr(client, "execute", full)

    assert backend.store_result("1", {"n": 1}, state) == {"n": 1}
    assert f"the result store is full: {state} of task 1 is not kept" in caplog.text


def test_a_task_that_cannot_be_sent_is_told_as_failed(
    backend: ResultBackend, client: Redis
) -> None:
    results = Results(cast("redis.Redis", client), backend)

    results.fail("1", RefusedError("no such queue"))

    assert results.outcome("1") == TaskOutcome("failed", error="RefusedError: no such queue")
