"""Task results: how Celery stores them here, and how the API reads one."""

from dataclasses import dataclass
from typing import Any, Literal

import redis
from celery.backends.redis import RedisBackend

from worker_image.broker import answering


class ResultBackend(RedisBackend):
    """Celery's Redis result store without a subscription for every published task.

    Stock Celery subscribes the publisher to each result (5.7.0, backends/redis.py). The API
    polls; its unread messages would pile up until Redis cuts the connection.
    """

    def on_task_call(self, producer: object, task_id: str) -> None:
        """Publish without subscribing; `AsyncResult.get` subscribes when it waits."""


@dataclass(frozen=True)
class TaskOutcome:
    """What is known of a task: `result` once completed, `error` once failed."""

    status: Literal["pending", "completed", "failed"]
    result: Any = None
    error: str | None = None


class Results:
    """Reads outcomes through a client of its own: Celery's tries again for ever."""

    def __init__(self, client: "redis.Redis", backend: ResultBackend) -> None:
        self._client = client
        self._backend = backend

    def outcome(self, task_id: str) -> TaskOutcome:
        """Return a task's outcome; an unknown id is pending, as Redis cannot tell them apart.

        Raises:
            BrokerAwayError: the result store does not answer.

        """
        with answering():
            stored = self._client.get(self._backend.get_key_for_task(task_id))
        if stored is None:
            return TaskOutcome("pending")
        meta = self._backend.decode_result(stored)
        match meta["status"]:
            case "SUCCESS":
                return TaskOutcome("completed", result=meta["result"])
            case "FAILURE" | "REVOKED" | "REJECTED":
                return TaskOutcome("failed", error=_told(meta["result"], meta["status"]))
            case _:
                return TaskOutcome("pending")


def _told(error: object, status: str) -> str:
    if isinstance(error, BaseException):
        return f"{type(error).__name__}: {error}"
    return str(error) if error else status.lower()
