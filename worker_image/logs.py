"""Structured logs: one JSON object a line, with the task it is about.

Fields: time (RFC 3339, UTC), level, logger, message, task_id, task, queue, tenant, operation,
trace_id, worker; null where they do not apply. `operation` names what is done: given with
`extra={"operation": ...}`, else the running task's own name.
"""

import json
import logging
import sys
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from celery import current_task, signals

from worker_image import tracing
from worker_image.settings import Settings
from worker_image.tenants import Place, place_of

# Uvicorn gives them handlers of their own.
_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access")

# Made once: json.dumps makes one for each line.
_as_json = json.JSONEncoder(default=str).encode

_arriving: ContextVar[Any] = ContextVar("arriving", default=None)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def __init__(self, worker: str | None, fair: Container[str] = ()) -> None:
        super().__init__()
        self.worker = worker
        self._fair = fair

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        told = _running_task(self._fair) or _arriving_task(record, self._fair)
        task, place = told.task, told.place
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "task_id": told.task_id,
            "task": task,
            "queue": place and place.queue,
            "tenant": place and place.tenant,
            "operation": getattr(record, "operation", task and task.rpartition(".")[2]),
            "trace_id": told.trace_id,
            "worker": self.worker,
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return _as_json(entry)


def configure(level: int | str, worker: str | None, fair: Container[str] = ()) -> None:
    """Send every record of this process, and of the children it forks, to standard error.

    Args:
        level: Celery's `--loglevel`.
        worker: the process's name.
        fair: the fair queues, whose tenants are told beside them.

    """
    handler = logging.StreamHandler(sys.__stderr__)
    handler.setFormatter(JsonFormatter(worker, fair))
    logging.basicConfig(level=level or logging.INFO, handlers=[handler], force=True)
    for name in _UVICORN:
        logger = logging.getLogger(name)
        # Without handlers it was silenced, by --no-access-log.
        if logger.handlers:
            logger.handlers.clear()
            logger.propagate = True
    # It logs every request of the page scraper, query included.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def connect(settings: Settings) -> None:
    """Take logging over from Celery, for workers and beat."""
    name: str | None = settings.environment.pod_name

    def remember(sender: str, **_: object) -> None:
        nonlocal name
        name = sender

    def set_up(loglevel: int, **_: object) -> None:
        configure(loglevel, name, settings.fleet.fair)

    signals.celeryd_init.connect(remember, weak=False)
    signals.setup_logging.connect(set_up, weak=False)


@contextmanager
def about(message: Any) -> Iterator[None]:  # noqa: ANN401 - kombu's Message
    """Let lines within the block tell the queue and the trace of a message that arrives."""
    token = _arriving.set(message)
    try:
        yield
    finally:
        _arriving.reset(token)


@dataclass(frozen=True)
class _Told:
    """The task that a line is about, as far as it is known."""

    task_id: str | None = None
    task: str | None = None
    place: Place | None = None
    trace_id: str | None = None


def _running_task(fair: Container[str]) -> _Told | None:
    task = current_task
    if not task or task.request.id is None:
        return None
    request = task.request
    place = _place(request.delivery_info, fair)
    return _Told(request.id, task.name, place, tracing.trace_id(request))


def _arriving_task(record: logging.LogRecord, fair: Container[str]) -> _Told:
    """Return the task that Celery's main process reports on (`Task ... received`)."""
    told = getattr(record, "data", None)
    task_id, task = (
        (told.get("id"), told.get("name")) if isinstance(told, Mapping) else (None, None)
    )
    message = _arriving.get()
    if message is None:
        return _Told(task_id, task)
    headers = message.headers if isinstance(message.headers, Mapping) else {}
    return _Told(
        task_id or _text(headers.get("id")),
        task or _text(headers.get("task")),
        _place(message.delivery_info, fair),
        tracing.trace_id(headers),
    )


def _place(delivery: object, fair: Container[str]) -> Place | None:
    queue = delivery.get("routing_key") if isinstance(delivery, Mapping) else None
    return place_of(queue, fair) if isinstance(queue, str) else None


def _text(told: object) -> str | None:
    """What a header says, unless it is malformed."""
    return told if isinstance(told, str) else None
