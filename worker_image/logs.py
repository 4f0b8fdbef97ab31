"""Structured logs: one JSON object a line, with the task it is about.

Fields: time (RFC 3339, UTC), level, logger, message, task_id, task, queue, tenant, operation,
worker; null where they do not apply. `operation` names what is done: given with
`extra={"operation": ...}`, else the running task's own name.
"""

import json
import logging
import sys
from collections.abc import Container, Mapping
from datetime import UTC, datetime

from celery import current_task, signals

from worker_image.settings import Settings
from worker_image.tenants import Place, place_of

# Uvicorn gives them handlers of their own.
_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access")


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def __init__(self, worker: str | None, fair: Container[str] = ()) -> None:
        super().__init__()
        self.worker = worker
        self._fair = fair

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        task_id, task, place = _running_task(self._fair)
        if task_id is None:
            task_id, task = _told_task(record)
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "task_id": task_id,
            "task": task,
            "queue": place and place.queue,
            "tenant": place and place.tenant,
            "operation": getattr(record, "operation", task and task.rpartition(".")[2]),
            "worker": self.worker,
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


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


def _running_task(fair: Container[str]) -> tuple[str | None, str | None, Place | None]:
    task = current_task
    if not task or task.request.id is None:
        return None, None, None
    delivery: Mapping[str, str] = task.request.delivery_info or {}
    queue = delivery.get("routing_key")
    return task.request.id, task.name, None if queue is None else place_of(queue, fair)


def _told_task(record: logging.LogRecord) -> tuple[str | None, str | None]:
    """Return the task that Celery's main process reports on (`Task ... received`)."""
    told = getattr(record, "data", None)
    if isinstance(told, Mapping):
        return told.get("id"), told.get("name")
    return None, None
