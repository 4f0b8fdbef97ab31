"""The demonstration ends once what it ran is counted, and waits for that only so long."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from fleet import demonstration
from fleet.api_client import QueueStatistics, Result
from fleet.progress import Progress
from fleet.session import Session
from tests.unit.recorder import imagineer

QUEUES = ("default", "labeling")
ENDED_BEFORE = 7


@dataclass
class LateApi:
    """Has every result at once, and counts the ends some looks later; None: never."""

    counts_after: int | None
    sent: list[str] = field(default_factory=list)
    looks: int = 0
    """Since the first task was sent."""

    def create(self, _task: str, _kwargs: Any, *, queue: str, tenant: str | None) -> str:
        assert tenant is None
        self.sent.append(queue)
        return f"task-{len(self.sent)}"

    def result(self, _task_id: str) -> Result:
        return Result("completed", {})

    def queues(self) -> dict[str, QueueStatistics]:
        self.looks += bool(self.sent)
        counted = self.counts_after is not None and self.looks > self.counts_after
        return {
            name: statistics(ENDED_BEFORE + (self.sent.count(name) if counted else 0))
            for name in QUEUES
        }


def statistics(done: int) -> QueueStatistics:
    return QueueStatistics(0, 0, done, 0, 0, wait_p50_s=None, wait_p95_s=None)


def run(api: LateApi) -> None:
    queues = {name: spec for name, spec in imagineer().queues.items() if name in QUEUES}
    session = SimpleNamespace(api=api, config=SimpleNamespace(queues=queues))
    demonstration.run(cast("Session", session), Progress(Console(quiet=True)))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "_POLL_S", 0.01)


@pytest.mark.parametrize("looks", [0, 3])
def test_what_it_ran_is_counted_when_it_ends(looks: int) -> None:
    api = LateApi(looks)
    run(api)

    assert sorted(api.sent) == sorted(QUEUES)
    assert api.looks == looks + 1
    assert {queue.done for queue in api.queues().values()} == {ENDED_BEFORE + 1}


def test_figures_that_do_not_come_hold_nothing_up_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demonstration, "_COUNTED_S", 0.1)
    api = LateApi(None)
    run(api)

    assert 1 < api.looks <= 12
