"""Sends tasks for callers that wait: a broker that is away is told within seconds."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from celery import Celery
from celery.utils import uuid
from kombu import Producer, pools

from worker_image.arguments import checked
from worker_image.broker import answering
from worker_image.conf import TASK_MODULES
from worker_image.declared import FleetSettings
from worker_image.once import KeyReusedError, MessageTooLargeError, sending
from worker_image.priority import kombu_priority
from worker_image.routing import Router, UnroutedTaskError
from worker_image.tenants import HEADER, TenantError, checked_tenant

_TIMEOUT_S = 2
_CONNECTIONS = 10
RETRY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5}


class RefusedError(ValueError):
    """A request that no retry would mend: unknown task or queue, wrong arguments or tenant."""


@dataclass(frozen=True)
class TaskRequest:
    """A task that somebody wants to be run."""

    task: str
    kwargs: Mapping[str, object]
    queue: str | None = None
    """None leaves it to the routes."""
    priority: int | None = None
    """0 (low) to 10 (high); None leaves it to the queue."""
    tenant: str | None = None
    """Whose it is, on a fair queue."""
    idempotency_key: str | None = None
    """The caller's; a second request under it is the first one asked again."""


@dataclass(frozen=True)
class RoutedTask:
    """A task that some queue of this stack takes."""

    name: str
    queue: str
    function: Callable[..., Any]
    """Its signature says which arguments it takes, its docstring what it does."""


class Publisher:
    """Publishes declared tasks with bounded retries, over connections of its own."""

    def __init__(self, app: Celery, fleet: FleetSettings, router: Router) -> None:
        self._app = app
        self._fleet = fleet
        self._router = router
        app.loader.import_default_modules()
        app.finalize()

    def publish(self, asked: TaskRequest) -> str:
        """Send a task and return its id, which Redis has answered for.

        Raises:
            RefusedError: the task, its arguments or the queue are not declared; or its arguments
                are too large; or the task has a tenant, and its queue has none; or its key belongs
                to another request.
            BrokerAwayError: no answer came; the task may have been sent all the same. Asked again
                under the same key, it is sent once.

        """
        arguments = self._checked(asked.task, asked.kwargs, asked.queue)
        options = self._options(asked)
        if asked.idempotency_key is None:
            return self._send(asked.task, arguments, options)
        with sending(asked.idempotency_key, _text(asked, arguments), uuid()) as begun:
            self._send(asked.task, arguments, options | {"task_id": begun.task_id})
        try:
            return begun.settled()
        except KeyReusedError as error:
            raise RefusedError(str(error)) from None

    @contextmanager
    def producing(self) -> Iterator[Producer]:
        """Give one of this publisher's producers.

        Raises:
            BrokerAwayError: none is free for too long, or the broker does not answer meanwhile.

        """
        with answering(), self._producers.acquire(block=True, timeout=_TIMEOUT_S) as producer:
            yield producer

    def tasks(self) -> tuple[RoutedTask, ...]:
        """Return what this stack takes, by name."""
        return tuple(
            RoutedTask(name, queue, task.run)
            for name, task in sorted(self._app.tasks.items())
            if name.startswith(TASK_MODULES) and (queue := self._router.queue_of(name))
        )

    def _options(self, asked: TaskRequest) -> dict[str, Any]:
        options: dict[str, Any] = {"retry_policy": RETRY}
        if asked.queue is not None:
            options["queue"] = asked.queue
        if asked.priority is not None:
            options["priority"] = kombu_priority(asked.priority)
        if asked.tenant is not None:
            options["headers"] = {HEADER: self._checked_tenant(asked, asked.tenant)}
        return options

    def _send(self, task: str, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> str:
        try:
            with self.producing() as producer:
                sent = self._app.send_task(task, kwargs=arguments, producer=producer, **options)
        except (MessageTooLargeError, UnroutedTaskError) as error:
            raise RefusedError(str(error)) from None
        return str(sent.id)

    @cached_property
    def _producers(self) -> pools.ProducerPool:
        connection = self._app.connection_for_write(
            transport_options={
                "socket_timeout": _TIMEOUT_S,
                "socket_connect_timeout": _TIMEOUT_S,
            },
        )
        pool = pools.producers[connection]
        pool.limit = _CONNECTIONS
        return pool

    def _checked(
        self, task: str, kwargs: Mapping[str, object], queue: str | None
    ) -> dict[str, Any]:
        if queue is not None and queue not in self._fleet.queues:
            raise RefusedError(
                f"unknown queue {queue!r}: declared are {sorted(self._fleet.queues)}"
            )
        if not task.startswith(TASK_MODULES) or task not in self._app.tasks:
            raise RefusedError(f"unknown task {task!r}")
        try:
            return checked(self._app.tasks[task].run, kwargs)
        except ValueError as error:
            raise RefusedError(f"task {task!r}: {error}") from None

    def _checked_tenant(self, asked: TaskRequest, tenant: str) -> str:
        queue = asked.queue or self._router.queue_of(asked.task)
        if queue is not None and queue not in self._fleet.fair:
            raise RefusedError(
                f"tenant {tenant!r}: queue {queue!r} of task {asked.task!r} is not fair and has "
                f"no tenants; fair are {sorted(self._fleet.fair)}"
            )
        try:
            return checked_tenant(tenant)
        except TenantError as error:
            raise RefusedError(str(error)) from None


def _text(asked: TaskRequest, arguments: Mapping[str, Any]) -> str:
    """What is asked for; the arguments as the task takes them, where 0 and 0.0 are one float."""
    told = {**asdict(asked), "kwargs": arguments}
    del told["idempotency_key"]
    return json.dumps(told, sort_keys=True)
