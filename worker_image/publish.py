"""Sends tasks for callers that wait: a broker that is away is told within seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from celery import Celery
from kombu import pools

from worker_image.arguments import checked
from worker_image.broker import answering
from worker_image.conf import TASK_MODULES
from worker_image.declared import FleetSettings
from worker_image.priority import kombu_priority
from worker_image.routing import Router, UnroutedTaskError
from worker_image.tenants import HEADER, TenantError, checked_tenant

_TIMEOUT_S = 2
_CONNECTIONS = 10
_RETRY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5}


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


class Publisher:
    """Publishes declared tasks with bounded retries, over connections of its own."""

    def __init__(self, app: Celery, fleet: FleetSettings, router: Router) -> None:
        self._app = app
        self._fleet = fleet
        self._router = router
        app.loader.import_default_modules()
        app.finalize()

    def publish(self, asked: TaskRequest) -> str:
        """Send a task and return its id.

        Raises:
            RefusedError: the task, its arguments or the queue are not declared; or the task has a
                tenant, and its queue has none.
            BrokerAwayError: no answer came; the task may have been sent all the same.

        """
        task = asked.task
        arguments = self._checked(task, asked.kwargs, asked.queue)
        options: dict[str, Any] = {"retry_policy": _RETRY}
        if asked.queue is not None:
            options["queue"] = asked.queue
        if asked.priority is not None:
            options["priority"] = kombu_priority(asked.priority)
        if asked.tenant is not None:
            options["headers"] = {HEADER: self._checked_tenant(asked, asked.tenant)}
        try:
            with answering(), self._producers.acquire(block=True, timeout=_TIMEOUT_S) as producer:
                sent = self._app.send_task(task, kwargs=arguments, producer=producer, **options)
        except UnroutedTaskError as error:
            raise RefusedError(str(error)) from None
        return str(sent.id)

    @cached_property
    def _producers(self) -> pools.ProducerPool:
        connection = self._app.connection_for_write(
            transport_options={
                "socket_timeout": _TIMEOUT_S,
                "socket_connect_timeout": _TIMEOUT_S,
                **_RETRY,
            }
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
