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

from worker_image import room
from worker_image.arguments import checked
from worker_image.broker import answering
from worker_image.conf import TASK_MODULES
from worker_image.declared import FleetSettings
from worker_image.once import (
    SENT_KEPT_S,
    KeyReusedError,
    MessageTooLargeError,
    Sending,
    Sent,
    check_arguments,
    in_one_step,
    new_mark,
    task_id_under,
)
from worker_image.priority import kombu_priority
from worker_image.routing import Router, UnroutedTaskError
from worker_image.tenants import HEADER, TenantError, checked_tenant
from worker_image.tracing import asked_context

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
class Accepted:
    """A request that was taken."""

    task_id: str
    stored: bool = False
    """Whether it waits on the API's disk for the broker, and is not sent yet."""


@dataclass(frozen=True)
class TaskMessage:
    """A request that was checked; however often it is sent, it is written once."""

    task: str
    task_id: str
    arguments: Mapping[str, Any]
    options: Mapping[str, Any]
    """Celery's own: queue, priority, headers."""
    mark: str
    """Of a message without a caller's key (`once.Sent`)."""
    key: str | None = None
    """The caller's."""
    request: str = ""
    """What is asked for under the caller's key; the same text for the same request."""


@dataclass(frozen=True)
class RoutedTask:
    """A task that some queue of this stack takes."""

    name: str
    queue: str
    function: Callable[..., Any]
    """Its signature says which arguments it takes, its docstring what it does."""


class Publisher:
    """Publishes declared tasks with bounded retries, over connections of its own."""

    def __init__(
        self, app: Celery, fleet: FleetSettings, router: Router, mark_kept_s: int = SENT_KEPT_S
    ) -> None:
        """Take the app's tasks.

        Args:
            app: knows the tasks and the broker.
            fleet: declares the queues.
            router: knows each task's queue.
            mark_kept_s: for how long the same message is sent once, where it has no caller's key.

        """
        self._app = app
        self._fleet = fleet
        self._router = router
        self._mark_kept_s = mark_kept_s
        app.loader.import_default_modules()
        app.finalize()

    def publish(self, asked: TaskRequest) -> Accepted:
        """Send a task, which Redis has answered for.

        Raises:
            RefusedError, QueueFullError: as `checked` and `send` raise them.
            BrokerAwayError: no answer came; it may have been sent. Under its key it is sent once.

        """
        return Accepted(self.send(self.checked(asked)))

    def checked(self, asked: TaskRequest) -> TaskMessage:
        """Return the message of a request; the broker is not asked.

        Raises:
            RefusedError: the task, its arguments or the queue are not declared; or the task has a
                tenant, and its queue has none.

        """
        arguments = self._checked(asked.task, asked.kwargs, asked.queue)
        options: dict[str, Any] = {}
        if asked.queue is not None:
            options["queue"] = asked.queue
        if asked.priority is not None:
            options["priority"] = kombu_priority(asked.priority)
        if headers := {**self._tenant_header(asked), **asked_context()}:
            options["headers"] = headers
        if (key := asked.idempotency_key) is None:
            return TaskMessage(asked.task, uuid(), arguments, options, new_mark())
        text = _text(asked, arguments)
        task_id = task_id_under(key, text)
        return TaskMessage(asked.task, task_id, arguments, options, new_mark(), key, text)

    def send(self, message: TaskMessage) -> str:
        """Send a message and return its task's id, which is another one's of old under its key.

        Raises:
            RefusedError: its arguments are too large, no queue takes the task, or its key belongs
                to another request.
            QueueFullError, BrokerAwayError: its queue is full, or no answer came: ask again.

        """
        step: Sent | Sending = Sent(message.mark, self._mark_kept_s)
        if message.key is not None:
            step = Sending(message.key, message.request, message.task_id)
        told = {"kwargs": message.arguments, "task_id": message.task_id, **message.options}
        try:
            with (
                in_one_step(step),
                room.kept_back() as refusals,
                self.producing() as producer,
                room.keeping_back(),
            ):
                self._app.send_task(message.task, producer=producer, retry_policy=RETRY, **told)
            if refusals:
                raise refusals[0]
            return step.settled() if isinstance(step, Sending) else message.task_id
        except (MessageTooLargeError, UnroutedTaskError, KeyReusedError) as error:
            raise RefusedError(str(error)) from None

    def check_unsent(self, message: TaskMessage) -> None:
        """Find out without the broker what sending a message would; raises RefusedError."""
        if "queue" not in message.options and self._router.queue_of(message.task) is None:
            raise RefusedError(f"task {message.task!r} matches no route of this stack's queues")
        try:
            check_arguments(message.task, message.arguments)
        except MessageTooLargeError as error:
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

    def _tenant_header(self, asked: TaskRequest) -> dict[str, str]:
        if (tenant := asked.tenant) is None:
            return {}
        queue = asked.queue or self._router.queue_of(asked.task)
        if queue is not None and queue not in self._fleet.fair:
            raise RefusedError(
                f"tenant {tenant!r}: queue {queue!r} of task {asked.task!r} is not fair and has "
                f"no tenants; fair are {sorted(self._fleet.fair)}"
            )
        try:
            return {HEADER: checked_tenant(tenant)}
        except TenantError as error:
            raise RefusedError(str(error)) from None


def _text(asked: TaskRequest, arguments: Mapping[str, Any]) -> str:
    """What is asked for; the arguments as the task takes them, where 0 and 0.0 are one float."""
    told = {**asdict(asked), "kwargs": arguments}
    del told["idempotency_key"]
    return json.dumps(told, sort_keys=True)
