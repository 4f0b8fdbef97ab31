"""The monitoring endpoints: each answers from Redis alone, in a few round trips."""

from collections.abc import Mapping
from typing import Protocol

from fastapi import APIRouter

from worker_image.api_models import QueuesAnswer, queue_answer
from worker_image.api_monitor import Overview
from worker_image.api_monitor_models import (
    ActiveAnswer,
    HealthAnswer,
    OverviewAnswer,
    WorkerAnswer,
    active_answer,
    health_answer,
    overview_answer,
    stats_answer,
)
from worker_image.presence import Presence
from worker_image.queues import QueueReport
from worker_image.wait_history import Minute


class QueueReporter(Protocol):
    """Looks at the queues; raises BrokerAwayError, as all ports do."""

    def reports(self) -> Mapping[str, QueueReport]:
        """Return a report by queue name."""


class FleetMonitor(Protocol):
    """Looks at the whole fleet."""

    def pending(self) -> Mapping[str, int]:
        """Return how many messages wait by queue."""

    def workers(self) -> tuple[Presence, ...]:
        """Return the connected workers."""

    def overview(self) -> Overview:
        """Return the fleet as it is."""

    def waits(self) -> Mapping[str, tuple[Minute, ...]]:
        """Return the last hour's waits by queue."""


def monitor_router(queues: QueueReporter, monitor: FleetMonitor) -> APIRouter:
    """Return the endpoints; plain functions, which FastAPI runs in threads."""
    router = APIRouter(tags=["monitoring"])

    @router.get("/api/v1/workers/queues")
    def pending() -> dict[str, int]:
        """Tell how many messages wait, by queue."""
        return dict(monitor.pending())

    @router.get("/api/v1/workers/active")
    def active() -> dict[str, list[ActiveAnswer]]:
        """Tell what runs, by worker; the first hundred tasks of each."""
        return active_answer(monitor.workers())

    @router.get("/api/v1/workers/stats")
    def stats() -> dict[str, WorkerAnswer]:
        """Tell of each connected worker."""
        return stats_answer(monitor.workers())

    @router.get("/api/v1/workers/health")
    def health() -> HealthAnswer:
        """Tell the fleet in short, with warnings in plain words."""
        return health_answer(monitor.overview())

    @router.get("/api/v1/fleet/queues")
    def reports() -> QueuesAnswer:
        """Tell each queue's counts and waits."""
        told = queues.reports()
        return QueuesAnswer(queues={name: queue_answer(r) for name, r in told.items()})

    @router.get("/api/v1/fleet/overview")
    def overview() -> OverviewAnswer:
        """Tell all that the status page shows."""
        return overview_answer(monitor.overview(), monitor.waits())

    return router
