"""The HTTP API over its ports: create a task, ask for its result, look at the fleet."""

from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from worker_image import api_errors
from worker_image.api_campaign_routes import CampaignSwitch, campaign_router
from worker_image.api_dead_routes import DeadLetters, dead_router
from worker_image.api_guard import OPEN_PATH, BearerToken, BodyLimit
from worker_image.api_models import (
    ResultAnswer,
    TaskId,
    result_answer,
)
from worker_image.api_monitor_routes import FleetMonitor, QueueReporter, monitor_router
from worker_image.api_outbox_routes import OutboxReport, outbox_router
from worker_image.api_page import PAGE, page_router
from worker_image.api_probe_routes import ProbeDesk, probe_router
from worker_image.api_task_routes import TaskPublisher, task_router
from worker_image.results import TaskOutcome


class ResultReader(Protocol):
    """Knows what became of a task."""

    def outcome(self, task_id: str) -> TaskOutcome:
        """Return a task's outcome."""


@dataclass(frozen=True)
class Ports:
    """What the API needs of the fleet."""

    publisher: TaskPublisher
    results: ResultReader
    queues: QueueReporter
    monitor: FleetMonitor
    dead: DeadLetters
    campaigns: CampaignSwitch
    probes: ProbeDesk
    outbox: OutboxReport | None = None
    """Where requests are accepted while the broker is away."""


def create_api(ports: Ports, token: str) -> FastAPI:
    """Return the API over the ports.

    Whatever asks the broker runs in threads, and the event loop stays free for health checks while
    the broker is away.
    """
    api = FastAPI(
        title="celery-fleet",
        docs_url=None,
        redoc_url=None,
        responses=api_errors.RESPONSES,
    )
    # The last one added is the first one asked.
    api.add_middleware(BodyLimit)
    api.add_middleware(BearerToken, token=token, open_paths=frozenset({OPEN_PATH, *PAGE}))
    api_errors.connect(api)
    api.get(OPEN_PATH, tags=["health"])(healthz)
    _add_result(api, ports.results)
    api.include_router(task_router(ports.publisher))
    api.include_router(monitor_router(ports.queues, ports.monitor))
    api.include_router(dead_router(ports.dead))
    api.include_router(campaign_router(ports.campaigns))
    api.include_router(probe_router(ports.probes))
    if ports.outbox is not None:
        api.include_router(outbox_router(ports.outbox))
    api.include_router(page_router())
    api.openapi = lambda: _openapi(api)  # type: ignore[method-assign]  # FastAPI's way
    return api


async def healthz() -> dict[str, str]:
    """Tell that the process answers; the broker is not asked."""
    return {"status": "ok"}


def _add_result(api: FastAPI, results: ResultReader) -> None:
    @api.get("/result/{task_id}", tags=["tasks"], operation_id="result")
    @api.post("/result/{task_id}", tags=["tasks"], operation_id="result_by_post")
    def result(task_id: TaskId) -> ResultAnswer:
        """Tell what became of a task; one that nobody sent is pending, too."""
        return result_answer(results.outcome(task_id))


def _openapi(api: FastAPI) -> dict[str, Any]:
    """Describe the API, with the token that `BearerToken` asks for."""
    if api.openapi_schema is None:
        told = get_openapi(title=api.title, version=api.version, routes=api.routes)
        schemes = told.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["token"] = {"type": "http", "scheme": "bearer"}
        told["security"] = [{"token": []}]
        told["paths"][OPEN_PATH]["get"]["security"] = []
        api.openapi_schema = told
    return api.openapi_schema
