"""Parks a message that is delivered again and again and never ends, as one that kills its worker.

A first delivery costs nothing: only a message that the broker marks as delivered again, or that
Celery sent again after its process was lost, is counted, in Redis, before its task starts. An end
of any kind forgets the count; a worker that dies leaves it. A message that was returned unstarted
counts as delivered too.
"""

import logging
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import redis
from billiard.exceptions import WorkerLostError
from celery import current_task, signals
from celery.exceptions import Reject
from kombu.utils.json import dumps

from worker_image import broker
from worker_image.dead_letters import DeadLetter, park
from worker_image.deliveries import Deliveries, History
from worker_image.malformed import letter_of
from worker_image.settings import Settings, current
from worker_image.stats import PUBLISHED_AT
from worker_image.tenants import place_of

_TIMEOUT_S = 2.0
_UNSEEN = "its worker ended while it ran; nothing was left to tell why"

logger = logging.getLogger(__name__)


class Guard:
    """Counts deliveries and parks what has had too many; a broker that is away stops no task."""

    def __init__(self, settings: Settings, client: "redis.Redis") -> None:
        self._client = client
        self._fleet = settings.fleet
        self._spare_queue = settings.environment.maintenance_queue
        self._deliveries = Deliveries(client, settings.fleet.key_prefix)
        self._worker = settings.environment.pod_name or settings.environment.worker or ""
        self._counted: set[str] = set()
        self.on_park: Callable[[str], None] = lambda _queue: None
        """Told each parked message's queue."""

    def check(self, task: Any) -> None:  # noqa: ANN401 - Celery's task, or its proxy
        """Count this delivery, which is not the first, or a retry.

        Raises:
            Reject: it is one too many; the message is parked.

        """
        task_id, limit = task.request.id, self._fleet.delivery_limit
        try:
            # An ordinary retry comes after an end, which forgot all before it.
            if not (_redelivered(task.request) or self._deliveries.known(task_id)):
                return
            history = self._deliveries.start(task_id, self._worker)
            self._counted.add(task_id)
            if 1 + len(history.starts) > limit:
                reason = f"delivered {limit} times without an end"
                # Of this last start nothing ran.
                before = replace(history, starts=history.starts[:-1])
                self._park(_letter(task, before, reason, self._fleet.fair))
                raise Reject(reason, requeue=False)
        except redis.RedisError as error:
            logger.warning("delivery not counted: %s", error)

    def on_end(self, task_id: str, **_: object) -> None:
        """Forget the deliveries of a task that came to an end in this process."""
        if task_id not in self._counted:
            return
        self._counted.discard(task_id)
        try:
            self._deliveries.forget(task_id)
        except redis.RedisError as error:
            logger.warning("deliveries not forgotten: %s", error)

    def on_retry(self, request: Any, reason: Any = None, **_: object) -> None:  # noqa: ANN401 - Celery's
        """Keep what the main process knows of a lost process; its task is sent again."""
        error = getattr(reason, "exc", None)
        if isinstance(error, WorkerLostError):
            # What is sent again has a stamp of its own.
            self._keep(request.id, error, request.get(PUBLISHED_AT))

    def on_failure(self, sender: Any, task_id: str, exception: Any, **_: object) -> None:  # noqa: ANN401 - Celery's
        """Park a task that lost its process and that Celery gives up, its retries being used up."""
        if not isinstance(exception, WorkerLostError):
            return
        self._keep(task_id, exception)
        try:
            history = self._deliveries.history(task_id)
        except redis.RedisError:
            history = History(error=_told(exception))
        reason = "lost its process after its last retry"
        self._park_or_tell(_letter(sender, history, reason, self._fleet.fair))

    def park_unread(self, message: Any, reason: str) -> None:  # noqa: ANN401 - kombu's Message
        """Park a message that no task of this image takes; Celery would drop it."""
        self._park_or_tell(_unread(message, reason, self._fleet.fair))

    def refuse(self, message: Any, reason: str) -> None:  # noqa: ANN401 - likewise
        """Park a message that is malformed; nothing of it was handled."""
        item = getattr(message.channel, "item", None) or dumps(message._raw).encode()  # noqa: SLF001 - as kombu stores it
        route = str((message.delivery_info or {}).get("routing_key"))
        letter = letter_of(item, place_of(route, self._fleet.fair).queue, reason)
        self._park_or_tell(letter)

    def _keep(self, task_id: str, error: object, published_at: float | None = None) -> None:
        try:
            self._deliveries.lost(task_id, _told(error), published_at)
        except redis.RedisError as away:
            logger.warning("error of a lost process not kept: %s", away)

    def _park(self, letter: DeadLetter) -> None:
        if letter.queue not in self._fleet.queues:
            # Nobody would look there, nor count it.
            letter = letter.model_copy(update={"queue": self._spare_queue})
        park(self._client, self._fleet.key_prefix, letter)
        self._counted.discard(letter.task_id)
        self.on_park(letter.queue)
        told = (letter.task, letter.task_id, letter.reason)
        logger.error("parked %s[%s]: %s", *told, extra={"operation": "park"})

    def _park_or_tell(self, letter: DeadLetter) -> None:
        """Celery has let go of the message: where Redis does not take it, the log does."""
        try:
            self._park(letter)
        except redis.RedisError as error:
            logger.critical("not parked (%s), it is lost: %s", error, letter.model_dump_json())


def check_running() -> None:
    """Count the delivery of the task that runs here, where it is not the first.

    Raises:
        Reject: it is one too many; the message is parked.

    """
    if _runs_again():
        of_this_process().check(current_task)


def made_progress() -> None:
    """Forget the running task's deliveries: what gets on is no poison, however often stopped."""
    if _runs_again():
        of_this_process().on_end(current_task.request.id)


@lru_cache(maxsize=1)
def of_this_process() -> Guard:
    """Return this process's guard; it connects at its first use."""
    settings = current()
    return Guard(settings, broker.client(settings, settings.environment.broker_url, _TIMEOUT_S))


def connect(guard: Guard) -> None:
    """Watch tasks end, in pool children and in the main process."""
    signals.task_postrun.connect(guard.on_end, weak=False)
    signals.task_retry.connect(guard.on_retry, weak=False)
    signals.task_failure.connect(guard.on_failure, weak=False)


def _runs_again() -> bool:
    task = current_task
    if not task or task.request.id is None:
        return False
    return bool(task.request.retries) or _redelivered(task.request)


def _redelivered(request: Any) -> bool:  # noqa: ANN401 - Celery's Context
    return bool((request.delivery_info or {}).get("redelivered"))


def _told(error: object) -> str:
    return f"{type(error).__name__}: {error}"


def _letter(task: Any, history: History, reason: str, fair: Container[str]) -> DeadLetter:  # noqa: ANN401 - Celery's task
    request = task.request
    delivery: Mapping[str, Any] = request.delivery_info or {}
    return DeadLetter(
        task_id=request.id,
        task=task.name,
        queue=place_of(str(delivery.get("routing_key")), fair).queue,
        reason=reason,
        deliveries=1 + len(history.starts),
        published_at=history.published_at or request.get(PUBLISHED_AT),
        redelivered_at=history.starts,
        last_error=history.error or _UNSEEN,
        parked_at=time.time(),
        message=dict(task.signature_from_request(request)),
    )


def _unread(message: Any, reason: str, fair: Container[str]) -> DeadLetter:  # noqa: ANN401 - kombu's Message
    headers = message.headers if isinstance(message.headers, Mapping) else {}
    delivery: Mapping[str, Any] = message.delivery_info or {}
    return DeadLetter(
        task_id=str(headers.get("id") or message.delivery_tag),
        task=str(headers.get("task") or ""),
        queue=place_of(str(delivery.get("routing_key")), fair).queue,
        reason=reason,
        deliveries=1,
        published_at=headers.get(PUBLISHED_AT),
        redelivered_at=(),
        last_error=reason,
        parked_at=time.time(),
        message={"raw": message._raw},  # noqa: SLF001 - as kombu stores it
    )
