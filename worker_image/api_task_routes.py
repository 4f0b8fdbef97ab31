"""The endpoints that send tasks: any task by its name, and one endpoint for each.

They publish in threads of their own, so that a broker that hangs holds up no other endpoint.
FastAPI's own way, a plain function, changes threads twice a request: once more for the answer.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel

from worker_image.api_models import CreateAnswer, CreateRequest, IdempotencyKey, Priority
from worker_image.arguments import arguments_model
from worker_image.publish import Accepted, RoutedTask, TaskRequest

_TASKS = "worker_image.tasks."
# More than the publisher has connections: who waits for one is told within seconds.
_THREADS = 16

_STORED = 202
_RESPONSES: dict[int | str, dict[str, Any]] = {
    _STORED: {"model": CreateAnswer, "description": "stored: sent once the broker is back"}
}

Send = Callable[[TaskRequest, Response], Awaitable[CreateAnswer]]


class TaskPublisher(Protocol):
    """Sends tasks; raises RefusedError, or BrokerAwayError as all ports do."""

    def publish(self, asked: TaskRequest) -> Accepted:
        """Send a task, or take it to be sent later."""

    def tasks(self) -> Iterable[RoutedTask]:
        """Return every task that this stack takes."""


def task_router(publisher: TaskPublisher) -> APIRouter:
    """Return `/create`, and `/api/v1/tasks/<module>/<task>` for each task."""
    router = APIRouter(tags=["tasks"])
    send = _in_threads(publisher)
    posted: dict[str, Any] = {
        "methods": ["POST"],
        "responses": _RESPONSES,
        "response_model_exclude_none": True,
    }
    router.add_api_route("/create", _by_name(send), operation_id="create", **posted)
    for task in publisher.tasks():
        short = task.name.removeprefix(_TASKS)
        router.add_api_route(
            f"/api/v1/tasks/{short.replace('.', '/')}",
            _by_arguments(send, task.name, arguments_model(task.function)),
            operation_id=short,
            summary=f"{short}, on queue {task.queue}",
            description=inspect.getdoc(task.function),
            **posted,
        )
    return router


def _in_threads(publisher: TaskPublisher) -> Send:
    threads = ThreadPoolExecutor(_THREADS, "publish")

    async def send(asked: TaskRequest, response: Response) -> CreateAnswer:
        # With the request's trace, which a thread of a pool knows nothing of.
        publish = partial(copy_context().run, publisher.publish, asked)
        sent = asyncio.get_running_loop().run_in_executor(threads, publish)
        accepted = await sent
        if not accepted.stored:
            return CreateAnswer(task_id=accepted.task_id)
        response.status_code = _STORED
        return CreateAnswer(task_id=accepted.task_id, status="stored")

    return send


def _by_name(send: Send) -> Callable[..., Awaitable[CreateAnswer]]:
    async def create(
        request: CreateRequest,
        response: Response,
        idempotency_key: Annotated[IdempotencyKey | None, Header()] = None,
    ) -> CreateAnswer:
        """Send any task of this stack by its full name."""
        asked = TaskRequest(**dict(request), idempotency_key=idempotency_key)
        return await send(asked, response)

    return create


def _by_arguments(
    send: Send, name: str, model: type[BaseModel]
) -> Callable[..., Awaitable[CreateAnswer]]:
    async def create(
        arguments: Any,  # noqa: ANN401 - of the task's model, below
        response: Response,
        priority: Annotated[Priority | None, Query()] = None,
        queue: Annotated[str | None, Query()] = None,
        tenant: Annotated[str | None, Query()] = None,
        idempotency_key: Annotated[IdempotencyKey | None, Header()] = None,
    ) -> CreateAnswer:
        given = arguments.model_dump(exclude_unset=True)
        asked = TaskRequest(name, given, queue, priority, tenant, idempotency_key)
        return await send(asked, response)

    # FastAPI reads the body's model from the annotation.
    create.__annotations__["arguments"] = model
    return create
