"""The HTTP API's requests and answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from worker_image.priority import HIGHEST, LOWEST
from worker_image.queues import QueueReport, percentile
from worker_image.results import TaskOutcome

TaskId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]

Priority = Annotated[int, Field(ge=LOWEST, le=HIGHEST)]
"""0 (low) to 10 (high)."""

IdempotencyKey = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
"""A caller's own name of a request; within a day, the same request under it is not sent again."""


class CreateRequest(BaseModel):
    """A task to run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    task: str
    kwargs: dict[str, Any] = {}
    priority: Priority | None = None
    """0 (low) to 10 (high); the queue's own if missing, without effect where it has none."""
    queue: str | None = None
    """A declared queue, where the task's route is not wanted."""
    tenant: str | None = None
    """Whose task it is, on a fair queue; without one it is nobody's in particular."""


class CreateAnswer(BaseModel):
    """The id under which the result will be found."""

    task_id: str
    status: Literal["stored"] | None = None
    """`stored`: the broker is away, and the task is sent once it is back; else it is left out."""


class PendingAnswer(BaseModel):
    """Not finished, or never heard of."""

    status: Literal["pending"] = "pending"


class CompletedAnswer(BaseModel):
    """Finished, with what the task returned."""

    status: Literal["completed"] = "completed"
    result: Any


class FailedAnswer(BaseModel):
    """Ended by an error."""

    status: Literal["failed"] = "failed"
    error: str


ResultAnswer = PendingAnswer | CompletedAnswer | FailedAnswer


class QueueAnswer(BaseModel):
    """One queue; waits are of the last thousand tasks, from publishing to start."""

    pending: int
    in_flight: int
    tenants: int | None
    """With messages waiting; null where the queue is not fair."""
    done: int
    failed: int
    redelivered: int
    wait_p50_seconds: float | None
    wait_p95_seconds: float | None


class QueuesAnswer(BaseModel):
    """Every declared queue by name."""

    queues: dict[str, QueueAnswer]


def result_answer(outcome: TaskOutcome) -> ResultAnswer:
    """Word a task's outcome."""
    match outcome.status:
        case "completed":
            return CompletedAnswer(result=outcome.result)
        case "failed":
            return FailedAnswer(error=outcome.error or "unknown")
        case _:
            return PendingAnswer()


def queue_answer(report: QueueReport) -> QueueAnswer:
    """Word a queue's report."""
    counts = report.counts
    return QueueAnswer(
        pending=report.pending,
        in_flight=report.in_flight,
        tenants=report.tenants,
        done=counts.done,
        failed=counts.failed,
        redelivered=counts.redelivered,
        wait_p50_seconds=percentile(counts.waits_s, 0.5),
        wait_p95_seconds=percentile(counts.waits_s, 0.95),
    )
