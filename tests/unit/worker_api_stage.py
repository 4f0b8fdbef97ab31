"""The HTTP API with the fleet replaced at its border."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from worker_image.api_monitor import Overview, QueueState
from worker_image.api_routes import Ports
from worker_image.dead_letters import DeadLetter, UnknownLetterError
from worker_image.declared import QueueAlert
from worker_image.janitor_word import JanitorWord
from worker_image.presence import ActiveTask, Presence
from worker_image.publish import Accepted, RefusedError, RoutedTask, TaskRequest
from worker_image.queues import QueueReport
from worker_image.replay import ParkedLetters
from worker_image.results import TaskOutcome
from worker_image.stats import QueueCounts
from worker_image.tasks.labeling import label_image
from worker_image.tasks.quick import update_metadata
from worker_image.wait_history import Minute

TOKEN = "s3cret"
LABEL = "worker_image.tasks.labeling.label_image"
UPDATE = "worker_image.tasks.quick.update_metadata"


@dataclass
class Fleet:
    """All seven ports; `trouble` is raised by each of them."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[str, TaskOutcome] = field(default_factory=dict)
    states: dict[str, QueueState] = field(default_factory=dict)
    connected: tuple[Presence, ...] = ()
    minutes: dict[str, tuple[Minute, ...]] = field(default_factory=dict)
    parked: dict[tuple[str, str], DeadLetter] = field(default_factory=dict)
    """By queue and task id."""
    janitor: JanitorWord | None = None
    campaigns: dict[str, float] = field(default_factory=dict)
    probes: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Whether it waits, by queue and task id."""
    stores: bool = False
    """Whether what is sent is accepted, and stored."""
    trouble: Exception | None = None

    def publish(self, asked: TaskRequest) -> Accepted:
        self._fail()
        self.sent.append(asdict(asked))
        return Accepted("id-1", self.stores)

    def tasks(self) -> Iterable[RoutedTask]:
        yield RoutedTask(LABEL, "labeling", label_image.run)
        yield RoutedTask(UPDATE, "default", update_metadata.run)

    def outcome(self, task_id: str) -> TaskOutcome:
        self._fail()
        return self.outcomes.get(task_id, TaskOutcome("pending"))

    def reports(self) -> dict[str, QueueReport]:
        self._fail()
        counts = QueueCounts(7, 1, 2, tuple(float(n) for n in range(1, 101)))
        return {"labeling": QueueReport(3, 4, counts)}

    def pending(self) -> Mapping[str, int]:
        self._fail()
        return {name: state.report.pending for name, state in self.states.items()}

    def workers(self) -> tuple[Presence, ...]:
        self._fail()
        return self.connected

    def overview(self) -> Overview:
        self._fail()
        return Overview(self.states, self.connected, self.janitor)

    def waits(self) -> Mapping[str, tuple[Minute, ...]]:
        return self.minutes

    def letters(self, queue: str | None, limit: int) -> Mapping[str, ParkedLetters]:
        self._fail()
        if queue not in {None, "labeling"}:
            raise UnknownLetterError(f"unknown queue {queue!r}")
        return {"labeling": ParkedLetters(len(self.parked), tuple(self.parked.values())[:limit])}

    def letter(self, queue: str, task_id: str) -> DeadLetter:
        self._fail()
        if (queue, task_id) not in self.parked:
            raise UnknownLetterError(f"queue {queue!r} has no dead letter of task {task_id!r}")
        return self.parked[queue, task_id]

    def replay(self, queue: str, task_id: str) -> DeadLetter:
        letter = self.discard(queue, task_id)
        self.sent.append(dict(letter.message))
        return letter

    def discard(self, queue: str, task_id: str) -> DeadLetter:
        letter = self.letter(queue, task_id)
        del self.parked[queue, task_id]
        return letter

    def running(self) -> Mapping[str, float]:
        self._fail()
        return self.campaigns

    def start(self, queue: str) -> float:
        self._fail()
        if queue not in {"default", "labeling"}:
            raise RefusedError(f"unknown queue {queue!r}: declared are default, labeling")
        return self.campaigns.setdefault(queue, 100.0 + len(self.campaigns))

    def stop(self, queue: str) -> bool:
        self._fail()
        return self.campaigns.pop(queue, None) is not None

    def take_back(self, queue: str, task_id: str) -> bool:
        self._fail()
        if queue not in {"default", "labeling"}:
            raise RefusedError(f"unknown queue {queue!r}: declared are default, labeling")
        return self.probes.pop((queue, task_id), False)

    def _fail(self) -> None:
        if self.trouble is not None:
            raise self.trouble


def queue_state(
    pending: int = 0,
    *,
    oldest_s: float | None = None,
    in_flight: int = 0,
    workers: int = 1,
    dead_letters: int = 0,
) -> QueueState:
    """A queue whose backlog is one above 25 messages for 15 minutes."""
    report = QueueReport(pending, in_flight, QueueCounts(0, 0, 0, ()), oldest_s=oldest_s)
    return QueueState(report, QueueAlert(pending=25, forMinutes=15), workers, dead_letters)


def dead_letter(task_id: str = "t1", **changes: Any) -> DeadLetter:
    """A message of `labeling` that was delivered twice and parked ten seconds ago."""
    now = time.time()
    told: dict[str, Any] = {
        "task_id": task_id,
        "task": LABEL,
        "queue": "labeling",
        "reason": "delivered 2 times without an end",
        "deliveries": 2,
        "published_at": now - 60,
        "redelivered_at": (now - 30,),
        "last_error": "WorkerLostError: signal 9",
        "parked_at": now - 10,
        "message": {"task": LABEL, "kwargs": {"image": "a.png"}},
    }
    return DeadLetter(**{**told, **changes})


def presence(name: str = "worker-labeling@pod", **changes: Any) -> Presence:
    """A worker that runs one task since 7 s and is there since 60 s."""
    now = time.time()
    task = ActiveTask(id="t1", name=LABEL, queue="labeling", started_at=now - 7)
    told: dict[str, Any] = {
        "name": name,
        "worker": "labeling",
        "pid": 7,
        "pool": "prefork",
        "concurrency": 4,
        "queues": ("labeling",),
        "active": (task,),
        "running": 1,
        "done": 12,
        "rss_bytes": 200 * 2**20,
        "started_at": now - 60,
        "told_at": now,
    }
    return Presence(**{**told, **changes})


def ask(api: FastAPI, method: str, path: str, *, token: str = TOKEN, **rest: Any) -> httpx.Response:
    """Ask the API in this process; an error that it does not answer is raised."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=api)
        headers = {"Authorization": f"Bearer {token}", **rest.pop("headers", {})}
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.request(method, path, headers=headers, **rest)

    # `asyncio.run` would leave the thread without the event loop that other tests' engine wants.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(asked())


def ports(fleet: Fleet) -> Ports:
    """All that the API asks, answered by one fleet; it has no outbox."""
    one: Any = fleet
    return Ports(*[one] * 7)
