"""Which messages a task hands on as it ends, and which are new: those of a body's own."""

from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.app.task import Context

from tests.unit.worker_stage import load
from worker_image.amqp import App
from worker_image.factory import build_app
from worker_image.results import ResultBackend
from worker_image.room import is_promised, promised


@pytest.fixture
def app(tmp_path: Path) -> Celery:
    return build_app(load(tmp_path))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What would be sent, and whether it may pass a bound."""
    told: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        App, "send_task", lambda _, name, *__, **___: told.append((name, is_promised()))
    )
    # There is no server to be told of a result by.
    monkeypatch.setattr(ResultBackend, "add_pending_result", lambda *_, **__: None)
    return told


def failed(*errbacks: Any) -> Context:
    return Context({"id": "1", "root_id": "1", "errbacks": list(errbacks), "delivery_info": {}})


def test_what_celery_sends_for_an_ended_task_is_promised_and_nothing_after_it(app: Celery) -> None:
    assert app.amqp._retry_publish(is_promised) is True
    assert is_promised() is False


def test_an_errback_that_is_sent_is_promised_and_one_that_is_called_sends_new_work(
    app: Celery, sent: list[tuple[str, bool]]
) -> None:
    @app.task(name="told")
    def told(task_id: str) -> None:
        """Of one argument: Celery sends it."""

    @app.task(name="called")
    def called(_request: object, _exc: object, _traceback: object) -> None:
        told.apply_async(("more",))

    app.backend._call_task_errbacks(failed(called.s()), ValueError("no"), None)
    assert sent == [("told", False)]
    sent.clear()
    app.backend._call_task_errbacks(failed(told.s()), ValueError("no"), None)
    assert sent == [("told", True)]


def test_a_task_that_is_called_within_a_promise_sends_new_work(app: Celery) -> None:
    @app.task(name="body")
    def body() -> bool:
        return is_promised()

    with promised():
        assert body() is False
        assert is_promised() is True
