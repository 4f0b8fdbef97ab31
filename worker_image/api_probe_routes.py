"""The endpoint that takes an operator's probe of a queue back; it is sent as any task is."""

from typing import Protocol

from fastapi import APIRouter
from pydantic import BaseModel

from worker_image.api_models import TaskId


class TakenBackAnswer(BaseModel):
    """What was left of a probe."""

    was_waiting: bool
    """Whether its message still waited; it is gone now, and no worker will run it."""


class ProbeDesk(Protocol):
    """Removes what is left of probes; raises BrokerAwayError as all ports do."""

    def take_back(self, queue: str, task_id: str) -> bool:
        """Remove a probe's message and result; whether it waited. May raise RefusedError."""


def probe_router(probes: ProbeDesk) -> APIRouter:
    """Return the endpoint; a plain function, which FastAPI runs in threads."""
    router = APIRouter(tags=["probes"])

    @router.delete("/api/v1/fleet/probes/{queue}/{task_id}")
    def take_back(queue: str, task_id: TaskId) -> TakenBackAnswer:
        """Remove a probe's waiting message, or its result; no other task's."""
        return TakenBackAnswer(was_waiting=probes.take_back(queue, task_id))

    return router
