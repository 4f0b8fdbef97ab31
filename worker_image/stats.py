"""Per-queue statistics in the broker: what ended, how often again, how long it had waited.

One pipeline a task; a broker that hiccups costs figures, never a task. Keys, behind the key prefix:
hash `fleet:stats:<queue>` (done, failed, redelivered), list `fleet:waits:<queue>` (seconds),
string `fleet:failed:<task id>` for each failure that is counted.
"""

import logging
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from weakref import WeakValueDictionary

import redis
from celery import signals

from worker_image import broker
from worker_image.settings import Settings
from worker_image.tenants import place_of

WAITS_KEPT = 1000
# A queue that rested for so long starts anew.
EXPIRES_S = 7 * 24 * 3600
PUBLISHED_AT = "fleet_published_at"

_FAILED_EXPIRES_S = 3600

_TIMEOUT_S = 1.0
# After a failure, so that an outage costs the tasks one timeout and not one each.
_PAUSE_S = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaskEnd:
    """One run of a task that has ended."""

    task_id: str
    queue: str
    state: str
    """Celery's: SUCCESS, FAILURE, RETRY, ..."""
    redelivered: bool
    wait_s: float | None
    """From publishing, or from its ETA, to the start; None where that says nothing."""


@dataclass(frozen=True)
class QueueCounts:
    """What a queue's tasks came to, since the statistics began."""

    done: int
    failed: int
    redelivered: int
    waits_s: tuple[float, ...]


class StatsStore:
    """The statistics in Redis."""

    def __init__(self, client: "redis.Redis", key_prefix: str) -> None:
        self._client = client
        self._prefix = key_prefix
        self._paused_until = 0.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            broker.client(settings, settings.environment.broker_url, _TIMEOUT_S),
            settings.fleet.key_prefix,
        )

    def record(self, end: TaskEnd) -> None:
        """Count one end; failing to is logged and then left alone for a while.

        A task that fails while its process is killed at its hard limit is reported by both.
        """
        if time.monotonic() < self._paused_until:
            return
        try:
            if end.state != "FAILURE" or self._first(end):
                self._write(end)
        except redis.RedisError as error:
            self._paused_until = time.monotonic() + _PAUSE_S
            logger.warning("statistics pause for %.0f s: %s", _PAUSE_S, error)

    def read(self, queue: str) -> QueueCounts:
        """Return a queue's statistics.

        Raises:
            redis.RedisError: the broker is away.

        """
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(self._counts(queue))
            pipe.lrange(self._waits(queue), 0, -1)
            counts, waits = pipe.execute()
        return QueueCounts(
            done=int(counts.get("done", 0)),
            failed=int(counts.get("failed", 0)),
            redelivered=int(counts.get("redelivered", 0)),
            waits_s=tuple(float(wait) for wait in waits),
        )

    def _first(self, end: TaskEnd) -> bool:
        key = f"{self._prefix}fleet:failed:{end.task_id}"
        return bool(self._client.set(key, 1, nx=True, ex=_FAILED_EXPIRES_S))

    def _write(self, end: TaskEnd) -> None:
        counts, waits = self._counts(end.queue), self._waits(end.queue)
        field = {"SUCCESS": "done", "FAILURE": "failed"}.get(end.state)
        with self._client.pipeline(transaction=False) as pipe:
            if field is not None:
                pipe.hincrby(counts, field, 1)
            if end.redelivered:
                pipe.hincrby(counts, "redelivered", 1)
            if end.wait_s is not None:
                pipe.lpush(waits, f"{end.wait_s:.3f}")
                pipe.ltrim(waits, 0, WAITS_KEPT - 1)
            pipe.expire(counts, EXPIRES_S)
            pipe.expire(waits, EXPIRES_S)
            pipe.execute()

    def _counts(self, queue: str) -> str:
        return f"{self._prefix}fleet:stats:{queue}"

    def _waits(self, queue: str) -> str:
        return f"{self._prefix}fleet:waits:{queue}"


class Recorder:
    """Watches tasks start and end, in pool children and in the main process."""

    def __init__(self, store: StatsStore, fair: Container[str] = ()) -> None:
        self._store = store
        self._fair = fair
        self._started_at: dict[str, float] = {}
        self._received: WeakValueDictionary[str, Any] = WeakValueDictionary()

    def on_publish(self, headers: dict[str, object] | None = None, **_: object) -> None:
        """Stamp the message with the time; a retry is a message of its own."""
        if headers is not None:
            headers[PUBLISHED_AT] = time.time()

    def on_receive(self, request: Any, **_: object) -> None:  # noqa: ANN401 - Celery's Request
        self._received[request.id] = request

    def on_start(self, task_id: str, **_: object) -> None:
        self._started_at[task_id] = time.time()

    def on_end(self, task_id: str, task: Any, state: str, **_: object) -> None:  # noqa: ANN401 - Celery's task
        """Count a task that ended in this process."""
        started_at = self._started_at.pop(task_id, None)
        self._store.record(_task_end(task.request, state, started_at, self._fair))

    def on_failure(self, task_id: str, **_: object) -> None:
        """Count a task that the main process declared failed: killed at its limit, or lost.

        Celery reports a task killed at its limit twice (5.7.0, `on_failure` and `on_timeout`).
        """
        if task_id in self._started_at:
            return
        request = self._received.pop(task_id, None)
        if request is not None:
            self._store.record(_task_end(request, "FAILURE", None, self._fair))


def connect(recorder: Recorder) -> None:
    """Record from now on, in this process and its children."""
    signals.before_task_publish.connect(recorder.on_publish, weak=False)
    signals.task_received.connect(recorder.on_receive, weak=False)
    signals.task_prerun.connect(recorder.on_start, weak=False)
    signals.task_postrun.connect(recorder.on_end, weak=False)
    signals.task_failure.connect(recorder.on_failure, weak=False)


def _task_end(
    request: Any,  # noqa: ANN401 - Celery's Context
    state: str,
    started_at: float | None,
    fair: Container[str],
) -> TaskEnd:
    delivery: Mapping[str, Any] = request.delivery_info or {}
    redelivered = bool(delivery.get("redelivered"))
    wait_s = None
    # A second delivery waited for the visibility timeout, not for a worker.
    if started_at is not None and not redelivered:
        wait_s = _wait_s(request, started_at)
    queue = place_of(str(delivery.get("routing_key")), fair).queue
    return TaskEnd(str(request.id), queue, state, redelivered, wait_s)


def _wait_s(request: Any, started_at: float) -> float | None:  # noqa: ANN401 - Celery's Context
    published_at = getattr(request, PUBLISHED_AT, None)
    if not isinstance(published_at, int | float):
        return None
    due_at = datetime.fromisoformat(request.eta).timestamp() if request.eta else 0.0
    return max(0.0, started_at - max(float(published_at), due_at))
