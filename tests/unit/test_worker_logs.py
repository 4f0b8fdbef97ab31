"""One JSON object a line, with the task it is about."""

import json
import logging
import sys
from typing import Any

import pytest
from celery import Celery

from worker_image.logs import JsonFormatter, configure

FIELDS = [
    "time",
    "level",
    "logger",
    "message",
    "task_id",
    "task",
    "queue",
    "tenant",
    "operation",
    "trace_id",
    "worker",
]


def line(formatter: JsonFormatter | None = None, **told: Any) -> dict[str, Any]:
    record = logging.makeLogRecord(
        {"name": "fleet", "levelname": "INFO", "msg": "disk %d%%", "args": (85,), **told}
    )
    text = (formatter or JsonFormatter("worker-labeling@pod-1")).format(record)
    assert "\n" not in text
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def test_every_field_is_there() -> None:
    told = line(created=1_763_600_000.25)

    assert list(told) == FIELDS
    assert told["time"] == "2025-11-20T00:53:20.250+00:00"
    assert (told["level"], told["logger"], told["message"]) == ("INFO", "fleet", "disk 85%")
    assert told["worker"] == "worker-labeling@pod-1"
    assert told["task_id"] is None


def test_within_a_task_the_line_says_which() -> None:
    app = Celery("logs", set_as_current=False)

    @app.task(name="tests.logs.report", bind=True, shared=False)
    def report(task: Any) -> dict[str, Any]:
        task.request.delivery_info["routing_key"] = "labeling"
        return line()

    told = report.apply(task_id="1").get()

    assert (told["task_id"], told["task"]) == ("1", "tests.logs.report")
    assert (told["operation"], told["queue"]) == ("report", "labeling")


def test_celerys_own_lines_about_a_task_name_it() -> None:
    told = line(data={"id": "1", "name": "worker_image.tasks.canary.work"})

    assert (told["task_id"], told["task"]) == ("1", "worker_image.tasks.canary.work")
    assert told["operation"] == "work"


def test_an_operation_that_is_told_counts() -> None:
    assert line(operation="config_reload")["operation"] == "config_reload"


def test_an_exception_stays_on_the_line() -> None:
    try:
        int("two\nlines")
    except ValueError:
        told = line(exc_info=sys.exc_info())

    assert told["exception"].startswith("Traceback")
    assert told["exception"].endswith(r"'two\nlines'")


@pytest.fixture
def root() -> Any:
    logger = logging.getLogger()
    before = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:], logger.level = before


def test_uvicorns_lines_are_json_too_and_a_silenced_log_stays_silent(root: logging.Logger) -> None:
    error, access = logging.getLogger("uvicorn.error"), logging.getLogger("uvicorn.access")
    error.addHandler(logging.NullHandler())
    error.propagate = False
    access.handlers.clear()
    access.propagate = False

    configure("INFO", "api-1")

    assert error.handlers == []
    assert error.propagate
    assert not access.propagate
    assert isinstance(root.handlers[0].formatter, JsonFormatter)
