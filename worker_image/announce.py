"""A worker's own word in Redis of what it is and does, told every two seconds.

`celery inspect` asks every worker and waits a second for answers (its default); this costs each
worker one round trip every two seconds, and whoever asks none.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import redis
from celery import Celery, bootsteps, signals
from celery.worker import state

from worker_image import broker
from worker_image.presence import ActiveTask, Presence, PresenceStore
from worker_image.settings import Settings, current
from worker_image.tenants import place_of

INTERVAL_S = 2.0
# Several intervals, and a reconnect's pause (5 s): a worker that is there is not called gone.
EXPIRES_S = 15.0

_TIMEOUT_S = 1.0
# After a failure: the main loop stands still while it waits for an answer.
_PAUSE_S = 5.0
_ACTIVE_TOLD = 100
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

logger = logging.getLogger(__name__)


class Announcer:
    """Tells of one worker, and goes on trying after failures."""

    def __init__(self, store: PresenceStore, look: Callable[[], Presence]) -> None:
        self._store = store
        self._look = look
        self._paused_until = 0.0

    def tell(self, expires_s: float = EXPIRES_S) -> None:
        """Tell how it is now; what fails is logged and left alone for a while."""
        self._try(lambda: self._store.tell(self._look(), expires_s))

    def withdraw(self, name: str) -> None:
        """Tell that it is gone."""
        self._try(lambda: self._store.withdraw(name))

    def _try(self, deed: Callable[[], None]) -> None:
        if time.monotonic() < self._paused_until:
            return
        try:
            deed()
        except redis.RedisError as error:
            self._paused_until = time.monotonic() + _PAUSE_S
            logger.warning("presence not told, again in %.0f s: %s", _PAUSE_S, error)


class Worker:
    """What there is to tell of the worker whose consumer this is."""

    def __init__(self, settings: Settings, consumer: Any) -> None:  # noqa: ANN401 - Celery's Consumer
        self._fleet = settings.fleet
        self._declared = settings.environment.worker
        self._consumer = consumer
        self._started_at = time.time()
        self.draining = False

    def longest_s(self) -> float:
        """Return how long what runs may still take, by the limits of its queues."""
        return max(
            (self._fleet.queues[queue].time_limit_seconds for queue in self._queues()), default=0
        )

    def look(self) -> Presence:
        """Return how it is now."""
        requests = [request for request in _active() if request.time_start]
        return Presence(
            name=self._consumer.hostname,
            worker=self._declared,
            pid=os.getpid(),
            pool=self._consumer.pool.__module__.rpartition(".")[2],
            # A cold shutdown ends the pool before its consumer: prefork's has no processes then.
            concurrency=getattr(self._consumer.pool, "num_processes", 0),
            queues=tuple(self._queues()),
            active=tuple(self._task(request) for request in requests[:_ACTIVE_TOLD]),
            running=len(requests),
            done=sum(state.total_count.values()) - len(state.active_requests),
            rss_bytes=sum(_rss_bytes(pid) for pid in _family()),
            started_at=self._started_at,
            told_at=time.time(),
            draining=self.draining,
        )

    def _task(self, request: Any) -> ActiveTask:  # noqa: ANN401 - Celery's Request
        route = str((request.delivery_info or {}).get("routing_key"))
        return ActiveTask(
            id=str(request.id),
            name=str(request.name),
            queue=place_of(route, self._fleet.fair).queue,
            started_at=request.time_start,
        )

    def _queues(self) -> Iterable[str]:
        named = self._consumer.app.amqp.queues.consume_from
        return sorted(name for name in named if name in self._fleet.queues)


class Announce(bootsteps.StartStopStep):
    """Tells from the consumer's timer; with the consumer it starts anew at each reconnect."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:  # noqa: ANN401 - Celery's Consumer
        super().__init__(consumer, **options)
        settings = current()
        client = broker.client(settings, settings.environment.broker_url, _TIMEOUT_S)
        self._worker = Worker(settings, consumer)
        self._announcer = Announcer(
            PresenceStore(client, settings.fleet.key_prefix), self._worker.look
        )
        self._cancel: Callable[[], None] = lambda: None
        signals.worker_shutting_down.connect(self._drains)

    def start(self, consumer: Any) -> None:  # noqa: ANN401 - likewise
        """Tell at once, and every two seconds."""
        self._announcer.tell()
        if consumer.pool.__module__.endswith(".solo"):
            self._cancel = self._from_a_thread()
        else:
            self._cancel = consumer.timer.call_repeatedly(INTERVAL_S, self._announcer.tell).cancel

    def stop(self, consumer: Any) -> None:  # noqa: ANN401, ARG002 - likewise
        """Tell no more; one that drains has no loop to tell from, and says so beforehand."""
        self._cancel()
        if self._worker.draining:
            self._announcer.tell(EXPIRES_S + self._worker.longest_s())

    def shutdown(self, consumer: Any) -> None:  # noqa: ANN401 - likewise
        """Tell that it is gone; Celery calls this once the pool has ended."""
        self._announcer.withdraw(consumer.hostname)

    def _drains(self, **_: object) -> None:
        self._worker.draining = True

    def _from_a_thread(self) -> Callable[[], None]:
        """Tell of a solo worker, whose loop stands still while its task runs; returns what ends it.

        Telling as each task starts would cost it a round trip.
        """
        ended = Event()

        def tell_until_ended() -> None:
            while not ended.wait(INTERVAL_S):
                # A task that lets no other thread run is no reason to call its worker gone.
                running = bool(state.active_requests)
                self._announcer.tell(EXPIRES_S + running * self._worker.longest_s())

        Thread(target=tell_until_ended, name="announce", daemon=True).start()
        return ended.set


def connect(settings: Settings, app: Celery) -> None:
    """Let a declared worker tell of itself; nothing for any other process."""
    if settings.worker is not None:
        app.steps["consumer"].add(Announce)


def _active() -> list[Any]:
    """Celery's requests that run; a solo worker's set may change while another thread reads it."""
    while True:
        try:
            return list(state.active_requests)
        except RuntimeError:
            continue


def _family() -> Iterable[int]:
    """Process ids of this one and its children, which are the pool's."""
    yield os.getpid()
    for thread in Path("/proc/self/task").iterdir():
        try:
            yield from map(int, (thread / "children").read_text().split())
        except OSError:
            continue


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0
