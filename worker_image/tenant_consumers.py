"""A worker of a fair queue consumes each tenant's list from its first message on, and no longer.

It looks for tenants twice a second: 2.2 Redis commands a second in all while nothing happens.
"""

import logging
import time
from collections.abc import Iterable
from typing import Any

import redis
from celery import Celery, bootsteps

from worker_image.amqp import tenant_queue
from worker_image.settings import Settings, current
from worker_image.tenant_registry import TenantRegistry
from worker_image.tenants import Place, place_of

_LOOK_S = 0.5
_TIDY_S = 5.0
_SWEEP_S = 30.0
# After a failure: the main loop stands still while a look waits for its answer.
_PAUSE_S = 5.0

# A list without messages is cheap to wait for, and its tenant's next task starts at once.
_IDLE_S = 60
_RETIRED_AT_ONCE = 100

logger = logging.getLogger(__name__)


class TenantConsumers(bootsteps.StartStopStep):
    """Adds and cancels consumers; with the worker's consumer it starts anew at each reconnect."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:  # noqa: ANN401 - Celery's Consumer
        super().__init__(consumer, **options)
        self._registry = TenantRegistry.of(current())
        self._timer: Any = None
        self._paused_until = self._tidy_at = self._sweep_at = 0.0

    def start(self, consumer: Any) -> None:  # noqa: ANN401 - likewise
        """Look at once, and again and again."""
        self._timer = consumer.timer.call_repeatedly(_LOOK_S, self._look, (consumer,))
        self._look(consumer)

    def stop(self, consumer: Any) -> None:  # noqa: ANN401, ARG002 - likewise
        """Look no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, consumer: Any) -> None:  # noqa: ANN401 - likewise
        now = time.monotonic()
        registry = self._registry
        if registry is None or now < self._paused_until:
            return
        try:
            self._tidy(registry, now)
            tenants = registry.tenants()
        except redis.RedisError as error:
            self._paused_until = time.monotonic() + _PAUSE_S
            logger.warning("tenants not read, again in %.0f s: %s", _PAUSE_S, error)
            return
        # In pools without an event loop the timer is a thread of its own; this is the consumer's.
        consumer.call_soon(self._follow, consumer, registry.queue, tenants)

    def _tidy(self, registry: TenantRegistry, now: float) -> None:
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_S
            registry.retire(_IDLE_S, _RETIRED_AT_ONCE)
        if now >= self._sweep_at:
            self._sweep_at = now + _SWEEP_S
            if lost := registry.sweep(_SWEEP_S):
                logger.warning("marks without a message removed: %s", ", ".join(lost))

    def _follow(self, consumer: Any, queue: str, tenants: Iterable[str]) -> None:  # noqa: ANN401 - likewise
        """Consume exactly these tenants' lists, besides the queue's own."""
        tasks = consumer.task_consumer
        if self._timer is None or tasks is None:
            return
        wanted = {place.list_name: place for place in (Place(queue, name) for name in tenants)}
        consumed = {q.name for q in tasks.queues if place_of(q.name, {queue}).tenant is not None}
        for name in consumed - wanted.keys():
            tasks.cancel_by_queue(name)
        new = [place for name, place in wanted.items() if name not in consumed]
        for place in new:
            tasks.add_queue(tenant_queue(place))
        if new:
            tasks.consume()
        if new or consumed - wanted.keys():
            logger.info("consuming %d tenants of queue %s", len(wanted), queue)


def connect(settings: Settings, app: Celery) -> None:
    """Let the worker of a fair queue follow its tenants; nothing for any other process."""
    if settings.worker is not None and not settings.fleet.fair.keys().isdisjoint(
        settings.worker.queues
    ):
        app.steps["consumer"].add(TenantConsumers)
