"""Task results: how Celery stores them here, and how the API reads one."""

import logging
from dataclasses import dataclass
from typing import Any, Literal

import redis
from celery.backends.redis import RedisBackend
from celery.states import FAILURE, SUCCESS

from worker_image.broker import answering
from worker_image.room import promised

logger = logging.getLogger(__name__)


class ResultBackend(RedisBackend):
    """Celery's Redis result store without a subscription for every published task.

    Stock Celery subscribes the publisher to each result (5.7.0, backends/redis.py). The API
    polls; its unread messages would pile up until Redis cuts the connection.
    """

    def store_result(
        self,
        task_id: str,
        result: Any,  # noqa: ANN401 - the task's own
        state: str,
        *args: Any,  # noqa: ANN401 - Celery's
        **kwargs: Any,  # noqa: ANN401 - Celery's
    ) -> Any:  # noqa: ANN401 - likewise
        """Store a state; in a store that is full it is not kept, and the task goes on, or ends.

        Stock Celery then tells a task as failed that has done its work (5.7.0, app/trace.py). To
        wait for room could be for ever: where messages lie in the same server, only tasks that end
        make some.
        """
        try:
            return super().store_result(task_id, result, state, *args, **kwargs)
        except redis.OutOfMemoryError:
            logger.error("the result store is full: %s of task %s is not kept", state, task_id)  # noqa: TRY400 - the traceback says no more
            return self.encode_result(result, state)

    def _store_result(
        self,
        task_id: str,
        result: Any,  # noqa: ANN401 - the task's own
        state: str,
        traceback: object = None,
        request: Any = None,  # noqa: ANN401 - Celery's Context
        **kwargs: Any,  # noqa: ANN401 - Celery's
    ) -> Any:  # noqa: ANN401 - likewise
        """Store a success where there is no result yet, which is one round trip.

        Stock Celery always asks first what there is, so as to keep an earlier success (5.7.0,
        backends/base.py); that is now asked only where there is something.
        """
        if state == SUCCESS:
            meta = self._get_result_meta(result, state, traceback, request)
            meta["task_id"] = task_id
            key, value = self.get_key_for_task(task_id), self.encode(meta)
            if len(value) <= self._MAX_STR_VALUE_SIZE and self.ensure(self._set_new, (key, value)):
                return result
        return super()._store_result(task_id, result, state, traceback, request, **kwargs)

    def _set_new(self, key: str, value: str) -> bool:
        """Set and tell in one transaction, so that a second try finds both or neither."""
        with self.client.pipeline() as pipe:
            pipe.set(key, value, nx=True, ex=self.expires)
            pipe.publish(key, value)
            return bool(pipe.execute()[0])

    def failure(self, task_id: str, error: Exception) -> tuple[str, str]:
        """Return key and value of a task's end by an error, as Celery stores it."""
        meta = self._get_result_meta(self.encode_result(error, FAILURE), FAILURE, None, None)
        meta["task_id"] = task_id
        return self.get_key_for_task(task_id), self.encode(meta)

    def _call_task_errbacks(self, *args: Any) -> None:  # noqa: ANN401 - Celery's own
        """Send a failed task's errbacks, or call them (5.7.0, backends/base.py)."""
        with promised():
            super()._call_task_errbacks(*args)

    def on_task_call(self, producer: object, task_id: str) -> None:
        """Publish without subscribing; `AsyncResult.get` subscribes when it waits."""

    def exception_safe_to_retry(self, exc: Exception) -> bool:
        """Whether storing is tried again: also while a failover leaves a replica to write to.

        Without it a task that has run is neither told nor acknowledged, and runs again.
        """
        return isinstance(exc, redis.ReadOnlyError) or bool(super().exception_safe_to_retry(exc))

    def on_backend_retryable_error(self, exc: Exception) -> None:
        """Try again over a new connection, which leads to the new primary."""
        super().on_backend_retryable_error(exc)
        self.client.connection_pool.disconnect()


# A success that was stored meanwhile stays.
_DELETE_IF_SAME = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


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

    def fail(self, task_id: str, error: Exception) -> None:
        """Store the end of a task that cannot be sent.

        Raises:
            BrokerAwayError: the result store does not answer.

        """
        key, value = self._backend.failure(task_id, error)
        with answering():
            self._client.set(key, value, ex=self._backend.expires)

    def forget(self, task_id: str) -> None:
        """Remove what became of a task.

        Raises:
            BrokerAwayError: the result store does not answer.

        """
        with answering():
            self._client.delete(self._backend.get_key_for_task(task_id))

    def forget_failure(self, task_id: str) -> None:
        """Let a task that failed and is sent again be pending.

        Raises:
            BrokerAwayError: the result store does not answer.

        """
        key = self._backend.get_key_for_task(task_id)
        with answering():
            stored = self._client.get(key)
            if stored is not None and self._backend.decode_result(stored)["status"] != "SUCCESS":
                self._client.eval(_DELETE_IF_SAME, 1, key, stored)


def _told(error: object, status: str) -> str:
    if isinstance(error, BaseException):
        return f"{type(error).__name__}: {error}"
    return str(error) if error else status.lower()
