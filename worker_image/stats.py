"""Per-queue statistics in the broker: what ended, how often again, how long it had waited.

Ends are written together, in one pipeline or, with failures among them, two; a broker that hiccups
costs figures, never a task. Keys, behind the key prefix:
hash `fleet:stats:<queue>` (done, failed, redelivered), list `fleet:waits:<queue>` (seconds),
string `fleet:failed:<task id>` for each failure that is counted.
"""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from weakref import WeakValueDictionary

import redis
from celery import signals
from celery.app.task import Context
from celery.exceptions import Reject

from worker_image import broker, wait_history
from worker_image.settings import Settings
from worker_image.tenants import place_of

WAITS_KEPT = 1000
# A queue that rested for so long starts anew.
EXPIRES_S = 7 * 24 * 3600
PUBLISHED_AT = "fleet_published_at"
PROBE = "worker_image.tasks.canary.probe"
"""An operator's look at a queue; its wait, after a start from zero, is no promise's."""

_FIELDS = {"SUCCESS": "done", "FAILURE": "failed", "REJECTED": "failed"}
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
    task: str = ""
    run_s: float | None = None
    """From the start to the end; None where the start was not seen."""


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

    def record(self, *ends: TaskEnd) -> None:
        """Count ends; failing to is logged and then left alone for a while.

        A task that fails while its process is killed at its hard limit is reported by both.
        """
        if time.monotonic() < self._paused_until:
            return
        try:
            self._write(self._counted(ends))
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

    def _counted(self, ends: Sequence[TaskEnd]) -> list[TaskEnd]:
        """Leave out failures that were counted before."""
        failures = [end for end in ends if end.state == "FAILURE"]
        if not failures:
            return list(ends)
        with self._client.pipeline(transaction=False) as pipe:
            for end in failures:
                key = f"{self._prefix}fleet:failed:{end.task_id}"
                pipe.set(key, 1, nx=True, ex=_FAILED_EXPIRES_S)
            told = iter(pipe.execute())
        return [end for end in ends if end.state != "FAILURE" or next(told)]

    def _write(self, ends: Iterable[TaskEnd]) -> None:
        by_queue: defaultdict[str, list[TaskEnd]] = defaultdict(list)
        for end in ends:
            by_queue[end.queue].append(end)
        with self._client.pipeline(transaction=False) as pipe:
            for queue, of_queue in by_queue.items():
                self._add(pipe, queue, of_queue)
            pipe.execute()

    def _add(self, pipe: Any, queue: str, ends: Sequence[TaskEnd]) -> None:  # noqa: ANN401 - redis-py's pipeline
        counts, waits = self._counts(queue), self._waits(queue)
        fields = Counter(_FIELDS[end.state] for end in ends if end.state in _FIELDS)
        fields["redelivered"] = sum(end.redelivered for end in ends)
        for field, count in fields.items():
            if count:
                pipe.hincrby(counts, field, count)
        waits_s = [end.wait_s for end in ends if end.wait_s is not None]
        if waits_s:
            pipe.lpush(waits, *(f"{wait_s:.3f}" for wait_s in waits_s))
            pipe.ltrim(waits, 0, WAITS_KEPT - 1)
            wait_history.add(pipe, self._prefix, queue, waits_s, time.time())
        pipe.expire(counts, EXPIRES_S)
        pipe.expire(waits, EXPIRES_S)

    def _counts(self, queue: str) -> str:
        return f"{self._prefix}fleet:stats:{queue}"

    def _waits(self, queue: str) -> str:
        return f"{self._prefix}fleet:waits:{queue}"


class Recorder:
    """Watches tasks start and end, in pool children and in the main process."""

    def __init__(self, *sinks: Callable[[TaskEnd], None], fair: Container[str] = ()) -> None:
        self._sinks = sinks
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
        self._tell(_task_end(task.request, task.name, state, started_at, self._fair))

    def on_failure(self, task_id: str, exception: object = None, **_: object) -> None:
        """Count a task that the main process declared failed: killed at its limit, or lost.

        Celery reports a task killed at its limit twice (5.7.0, `on_failure` and `on_timeout`), and
        one that rejected its message once more than the process that ran it.
        """
        if task_id in self._started_at:
            return
        request = self._received.pop(task_id, None)
        if request is None or isinstance(exception, Reject):
            return
        # Of a task that a pool process accepted; the main process has its own kind of request.
        started_at = getattr(request, "time_start", None)
        context = Context(request.request_dict)
        self._tell(_task_end(context, request.name, "FAILURE", started_at, self._fair))

    def _tell(self, end: TaskEnd) -> None:
        for sink in self._sinks:
            sink(end)


def connect(recorder: Recorder) -> None:
    """Record from now on, in this process and its children."""
    signals.before_task_publish.connect(recorder.on_publish, weak=False)
    signals.task_received.connect(recorder.on_receive, weak=False)
    signals.task_prerun.connect(recorder.on_start, weak=False)
    signals.task_postrun.connect(recorder.on_end, weak=False)
    signals.task_failure.connect(recorder.on_failure, weak=False)


def _task_end(
    request: Any,  # noqa: ANN401 - Celery's Context
    task: str,
    state: str,
    started_at: float | None,
    fair: Container[str],
) -> TaskEnd:
    delivery: Mapping[str, Any] = request.delivery_info or {}
    redelivered = bool(delivery.get("redelivered"))
    wait_s = None
    # A second delivery waited for the visibility timeout, not for a worker.
    if started_at is not None and not redelivered and task != PROBE:
        wait_s = waited_s(request, started_at)
    queue = place_of(str(delivery.get("routing_key")), fair).queue
    run_s = None if started_at is None else max(0.0, time.time() - started_at)
    return TaskEnd(str(request.id), queue, state, redelivered, wait_s, task, run_s)


def waited_s(request: Any, started_at: float) -> float | None:  # noqa: ANN401 - Celery's Context
    """Return how long a task had waited when it started (Unix time); None where nobody told."""
    published_at = getattr(request, PUBLISHED_AT, None)
    if not isinstance(published_at, int | float):
        return None
    due_at = datetime.fromisoformat(request.eta).timestamp() if request.eta else 0.0
    return max(0.0, started_at - max(float(published_at), due_at))
