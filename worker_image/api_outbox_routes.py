"""What the outbox of the pod that is asked holds; answered without the broker."""

import time
from typing import Protocol

from fastapi import APIRouter
from pydantic import BaseModel

from worker_image.outbox_file import Filling


class OutboxReport(Protocol):
    """Knows what is stored."""

    @property
    def away(self) -> bool:
        """Whether stored tasks wait for a broker that does not answer."""

    def filling(self) -> Filling:
        """Return what is stored."""


class OutboxAnswer(BaseModel):
    """Tasks that this pod has accepted and not sent yet."""

    stored: int
    size_bytes: int
    oldest_seconds: float | None
    """Since the oldest was stored."""
    broker_away: bool


def outbox_router(outbox: OutboxReport) -> APIRouter:
    """Return the endpoint; a plain function, which FastAPI runs in a thread."""
    router = APIRouter(tags=["monitoring"])

    @router.get("/api/v1/outbox")
    def stored() -> OutboxAnswer:
        """Tell what this pod has accepted and not sent yet."""
        held = outbox.filling()
        age_s = None if held.oldest_at is None else round(max(0.0, time.time() - held.oldest_at), 1)
        return OutboxAnswer(
            stored=held.rows,
            size_bytes=held.size_bytes,
            oldest_seconds=age_s,
            broker_away=outbox.away,
        )

    return router
