"""What `fleet smoke` asks, as stand-ins: an API that answers probes, and states of a fleet."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.api_client import QueueStatistics, RefusedError, Result
from fleet.fleet_state import FleetState, Replicas, WorkerState
from fleet.smoke.aims import Aim
from rehearsal.errors import RehearsalError
from tests.unit.recorder import ROOT
from worker_image import stats

FILE = ROOT / "stacks" / "imagineer.yaml"
QUEUES = ("default", "training", "scraping", "labeling")
AIM = Aim("labeling", "labeling", promised_s=60)


def done(waited_s: float | None, pod: str = "worker-labeling-1") -> Result:
    value = {"worker": f"labeling@{pod}", "waited_seconds": waited_s, "ran_seconds": 0.012}
    return Result("completed", value)


def worker(name: str, ready: int = 1, *, low: int = 0, **changes: Any) -> WorkerState:
    found = WorkerState(
        name,
        (name,),
        Replicas(ready, ready, settled=True),
        low,
        5,
        paused=False,
        scaler_problem=None,
    )
    return replace(found, **changes)


def state(*workers: WorkerState) -> FleetState:
    named = {each.name: each for each in workers}
    return FleetState(tuple(named.get(name, worker(name)) for name in QUEUES), None, None)


def counts(pending: int = 0) -> QueueStatistics:
    return QueueStatistics(pending, 0, 0, 0, 0, wait_p50_s=None, wait_p95_s=None)


@dataclass
class Api:
    """Answers probes: with a result by queue, or never; keeps what was taken back."""

    results: Mapping[str, Result]
    refused: str = ""
    """A queue to which nothing can be sent."""
    away: bool = False
    """Whether nothing can be taken back."""
    sent: list[tuple[str, str | None]] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    hiccups: int = 0
    """How many looks at a result the API does not answer."""
    interrupted: bool = False
    """Whether the first look at a result is where someone presses Ctrl-C."""

    def create(self, task: str, kwargs: Any, *, queue: str, tenant: str | None) -> str:
        assert (task, kwargs) == (stats.PROBE, {})
        if queue == self.refused:
            raise RefusedError("refused", "422: unknown task", "correct it")
        self.sent.append((queue, tenant))
        return f"id-{queue}"

    def result(self, task_id: str) -> Result:
        if self.interrupted:
            raise KeyboardInterrupt
        if self.hiccups:
            self.hiccups -= 1
            raise RehearsalError("away", "timed out", "wait")
        return self.results.get(task_id.removeprefix("id-"), Result("pending"))

    def ask(self, method: str, path: str) -> None:
        assert method == "DELETE"
        if self.away:
            raise RehearsalError("away", "503: the broker does not answer", "wait")
        self.taken_back.append(path)

    def queues(self) -> dict[str, QueueStatistics]:
        return dict.fromkeys(QUEUES, counts())
