"""The monitoring endpoints' answers, and what of the fleet's state goes into each field."""

import time
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from worker_image.api_models import QueueAnswer, queue_answer
from worker_image.api_monitor import Overview, QueueState
from worker_image.presence import ActiveTask, Presence
from worker_image.wait_history import Minute

Status = Literal["ok", "warning"]


class ActiveAnswer(BaseModel):
    """A task that runs now."""

    id: str
    name: str
    queue: str
    started_at: float
    """Unix time."""
    running_seconds: float


class WorkerAnswer(BaseModel):
    """One worker, as it told within the last seconds."""

    worker: str | None
    """Which of the declared workers it is."""
    pid: int
    pool: str
    concurrency: int
    queues: tuple[str, ...]
    active: int
    processed: int
    """Since it started."""
    rss_mib: float
    """Of its processes together; pages that they share count in each."""
    uptime_seconds: float
    draining: bool


class QueueHealth(BaseModel):
    """One queue in short."""

    pending: int
    status: Status


class HealthAnswer(BaseModel):
    """The fleet in short."""

    status: Literal["healthy", "degraded"]
    workers_connected: int
    total_queued: int
    total_active: int
    queues: dict[str, QueueHealth]
    warnings: list[str]


class QueueOverview(QueueAnswer):
    """One queue, as the status page shows it."""

    status: Status
    workers: int
    oldest_wait_seconds: float | None
    """Since the oldest waiting message was published."""
    dead_letters: int
    alert_pending: int
    alert_minutes: int


class MinuteAnswer(BaseModel):
    """The waits of the tasks that ended in one minute."""

    at: int
    """Its first second, Unix time."""
    tasks: int
    p50_seconds: float
    p95_seconds: float


class OverviewAnswer(BaseModel):
    """All that the status page shows."""

    at: float
    """Unix time."""
    health: HealthAnswer
    queues: dict[str, QueueOverview]
    workers: dict[str, WorkerAnswer]
    active: dict[str, list[ActiveAnswer]]
    waits: dict[str, list[MinuteAnswer]] = Field(default_factory=dict)
    """Minutes with waits of the last hour, oldest first."""


def active_answer(workers: tuple[Presence, ...]) -> dict[str, list[ActiveAnswer]]:
    """Word what runs, by worker."""
    now = time.time()
    return {each.name: [_active(task, now) for task in each.active] for each in workers}


def stats_answer(workers: tuple[Presence, ...]) -> dict[str, WorkerAnswer]:
    """Word the workers, by name."""
    now = time.time()
    return {
        each.name: WorkerAnswer(
            worker=each.worker,
            pid=each.pid,
            pool=each.pool,
            concurrency=each.concurrency,
            queues=each.queues,
            active=each.running,
            processed=each.done,
            rss_mib=round(each.rss_bytes / 2**20, 1),
            uptime_seconds=round(max(0.0, now - each.started_at), 1),
            draining=each.draining,
        )
        for each in workers
    }


def health_answer(overview: Overview) -> HealthAnswer:
    """Word the fleet in short."""
    warnings = overview.warnings
    told = [*overview.janitor_warnings, *(line for lines in warnings.values() for line in lines)]
    return HealthAnswer(
        status="degraded" if told else "healthy",
        workers_connected=len(overview.workers),
        total_queued=sum(state.report.pending for state in overview.queues.values()),
        total_active=sum(worker.running for worker in overview.workers),
        queues={
            name: QueueHealth(pending=state.report.pending, status=_status(name, warnings))
            for name, state in overview.queues.items()
        },
        warnings=told,
    )


def overview_answer(overview: Overview, waits: Mapping[str, tuple[Minute, ...]]) -> OverviewAnswer:
    """Word all that the status page shows."""
    warnings = overview.warnings
    return OverviewAnswer(
        at=time.time(),
        health=health_answer(overview),
        queues={
            name: _queue(state, _status(name, warnings)) for name, state in overview.queues.items()
        },
        workers=stats_answer(overview.workers),
        active=active_answer(overview.workers),
        waits={name: [_minute(each) for each in minutes] for name, minutes in waits.items()},
    )


def _queue(state: QueueState, status: Status) -> QueueOverview:
    told: dict[str, Any] = dict(queue_answer(state.report))
    oldest_s = state.report.oldest_s
    return QueueOverview(
        **told,
        status=status,
        workers=state.workers,
        oldest_wait_seconds=None if oldest_s is None else round(oldest_s, 1),
        dead_letters=state.dead_letters,
        alert_pending=state.alert.pending,
        alert_minutes=state.alert.for_minutes,
    )


def _minute(minute: Minute) -> MinuteAnswer:
    return MinuteAnswer(
        at=minute.at, tasks=minute.tasks, p50_seconds=minute.p50_s, p95_seconds=minute.p95_s
    )


def _active(task: ActiveTask, now: float) -> ActiveAnswer:
    running_s = round(max(0.0, now - task.started_at), 1)
    return ActiveAnswer(**dict(task), running_seconds=running_s)


def _status(name: str, warnings: Mapping[str, object]) -> Status:
    return "warning" if name in warnings else "ok"
