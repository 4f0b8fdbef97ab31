"""The HTTP producer: create a task, ask for its result, look at the queues."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from worker_image.api_guard import OPEN_PATH, BearerToken, BodyLimit
from worker_image.api_models import (
    CreateAnswer,
    CreateRequest,
    QueuesAnswer,
    ResultAnswer,
    TaskId,
    queue_answer,
    result_answer,
)
from worker_image.broker import BrokerAwayError
from worker_image.publish import RefusedError, TaskRequest
from worker_image.queues import QueueReport
from worker_image.results import TaskOutcome

RETRY_AFTER_S = 5


class TaskPublisher(Protocol):
    """Sends tasks; raises RefusedError, or BrokerAwayError as all ports do."""

    def publish(self, asked: TaskRequest) -> str:
        """Send a task and return its id."""


class ResultReader(Protocol):
    """Knows what became of a task."""

    def outcome(self, task_id: str) -> TaskOutcome:
        """Return a task's outcome."""


class QueueReporter(Protocol):
    """Looks at the queues."""

    def reports(self) -> Mapping[str, QueueReport]:
        """Return a report by queue name."""


@dataclass(frozen=True)
class Ports:
    """What the API needs of the fleet."""

    publisher: TaskPublisher
    results: ResultReader
    queues: QueueReporter


def create_api(ports: Ports, token: str) -> FastAPI:
    """Return the API over the ports.

    Endpoints that ask the broker are plain functions: FastAPI runs them in threads, and the event
    loop stays free for health checks while the broker is away.
    """
    api = FastAPI(title="celery-fleet", docs_url=None, redoc_url=None, openapi_url=None)
    # The last one added is the first one asked.
    api.add_middleware(BodyLimit)
    api.add_middleware(BearerToken, token=token)
    api.add_exception_handler(RefusedError, _refused)
    api.add_exception_handler(BrokerAwayError, _broker_away)

    @api.get(OPEN_PATH)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @api.post("/create")
    def create(request: CreateRequest) -> CreateAnswer:
        return CreateAnswer(task_id=ports.publisher.publish(TaskRequest(**dict(request))))

    @api.get("/result/{task_id}")
    @api.post("/result/{task_id}")
    def result(task_id: TaskId) -> ResultAnswer:
        return result_answer(ports.results.outcome(task_id))

    @api.get("/api/v1/fleet/queues")
    def queues() -> QueuesAnswer:
        reports = ports.queues.reports()
        return QueuesAnswer(queues={name: queue_answer(r) for name, r in reports.items()})

    return api


def _refused(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=422)


def _broker_away(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse(
        {"detail": str(error)},
        status_code=503,
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )
