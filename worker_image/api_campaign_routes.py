"""The endpoints that switch campaigns of queues on and off."""

from collections.abc import Mapping
from typing import Protocol

from fastapi import APIRouter
from pydantic import BaseModel

_CAMPAIGN = "/api/v1/fleet/campaigns/{queue}"


class CampaignsAnswer(BaseModel):
    """Campaigns that are on: since when, in Unix time, by queue."""

    running: dict[str, float]


class StartedAnswer(BaseModel):
    """Since when a campaign is on, in Unix time."""

    since: float


class StoppedAnswer(BaseModel):
    """Whether a campaign was on."""

    was_on: bool


class CampaignSwitch(Protocol):
    """Keeps which campaigns are on; raises BrokerAwayError as all ports do."""

    def running(self) -> Mapping[str, float]:
        """Return since when campaigns are on, by queue."""

    def start(self, queue: str) -> float:
        """Switch one on; may raise RefusedError."""

    def stop(self, queue: str) -> bool:
        """Switch one off; False where it was not on."""


def campaign_router(campaigns: CampaignSwitch) -> APIRouter:
    """Return the endpoints; plain functions, which FastAPI runs in threads."""
    router = APIRouter(tags=["campaigns"])

    @router.get("/api/v1/fleet/campaigns")
    def running() -> CampaignsAnswer:
        """Tell which campaigns are on."""
        return CampaignsAnswer(running=dict(campaigns.running()))

    @router.put(_CAMPAIGN)
    def start(queue: str) -> StartedAnswer:
        """Switch a queue's campaign on: from now on it is news when the queue is idle."""
        return StartedAnswer(since=campaigns.start(queue))

    @router.delete(_CAMPAIGN)
    def stop(queue: str) -> StoppedAnswer:
        """Switch it off; also one of a queue that is no longer declared."""
        return StoppedAnswer(was_on=campaigns.stop(queue))

    return router
