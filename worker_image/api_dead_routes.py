"""The endpoints about parked messages: look at them, send one again, let go of one."""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from worker_image.api_errors import Problem
from worker_image.dead_letters import DeadLetter
from worker_image.replay import ParkedLetters

_LISTED = 20
_LISTED_MAX = 1000
# A task's id is its sender's: slashes, too.
_LETTER = "/api/v1/fleet/dead/{queue}/{task_id:path}"
_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "there is no such queue, or no such dead letter"}
}

Limit = Annotated[int, Query(ge=1, le=_LISTED_MAX)]


class LetterInShort(BaseModel):
    """A parked message without its content and history."""

    model_config = ConfigDict(from_attributes=True)

    task_id: str
    task: str
    queue: str
    reason: str
    """Why it was parked."""
    deliveries: int
    published_at: float | None
    """Unix time; null where the publisher told none."""
    parked_at: float


class DeadQueueAnswer(BaseModel):
    """One queue's dead letters: how many, and the newest ones first."""

    count: int
    letters: list[LetterInShort]


class DeadAnswer(BaseModel):
    """Dead letters by queue."""

    queues: dict[str, DeadQueueAnswer]


class DeadLetters(Protocol):
    """Keeps what no worker ended; raises UnknownLetterError, or BrokerAwayError as all ports do."""

    def letters(self, queue: str | None, limit: int) -> Mapping[str, ParkedLetters]:
        """Return the newest letters by queue, of one or of all."""

    def letter(self, queue: str, task_id: str) -> DeadLetter:
        """Return a letter."""

    def replay(self, queue: str, task_id: str) -> DeadLetter:
        """Send a letter's message again and return the letter; may raise RefusedError."""

    def discard(self, queue: str, task_id: str) -> DeadLetter:
        """Remove a letter and return it."""


def dead_router(dead: DeadLetters) -> APIRouter:
    """Return the endpoints; plain functions, which FastAPI runs in threads."""
    router = APIRouter(tags=["dead letters"], responses=_UNKNOWN)

    @router.get("/api/v1/fleet/dead")
    def letters(queue: str | None = None, limit: Limit = _LISTED) -> DeadAnswer:
        """Tell how many dead letters there are, and the newest ones of each queue."""
        found = dead.letters(queue, limit)
        return DeadAnswer(queues={name: _queue(parked) for name, parked in found.items()})

    @router.get(_LETTER)
    def letter(queue: str, task_id: str) -> DeadLetter:
        """Tell all that is known of a parked message, and what it says."""
        return dead.letter(queue, task_id)

    @router.post(f"{_LETTER}/replay")
    def replay(queue: str, task_id: str) -> LetterInShort:
        """Send a parked message again, once; its letter is removed in the same step."""
        return LetterInShort.model_validate(dead.replay(queue, task_id))

    @router.delete(_LETTER)
    def discard(queue: str, task_id: str) -> DeadLetter:
        """Remove a dead letter for good; the answer is the last place that has it."""
        return dead.discard(queue, task_id)

    return router


def _queue(parked: ParkedLetters) -> DeadQueueAnswer:
    newest = [LetterInShort.model_validate(each) for each in parked.newest]
    return DeadQueueAnswer(count=parked.count, letters=newest)
