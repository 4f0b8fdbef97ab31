"""What the scale-in benchmark makes of a pod's log, of results, and of its figures."""

from collections import Counter
from dataclasses import replace
from io import StringIO
from typing import cast

import pytest

from benchmarks.scale_in.load import Load
from benchmarks.scale_in.report import Report, drains
from benchmarks.scale_in.victim import Victim, examine
from fleet.api_client import FleetApi, Result

GOOD = Report(
    rounds=2,
    while_tasks_ran=2,
    replicas=8,
    floor=4,
    seed=1,
    tasks=9,
    results=9,
    failed=0,
    lost=0,
    runs=9,
    duplicated=0,
    redelivered=0,
    finished_after_sigterm=3,
    drain_p50_s=1.0,
    drain_p95_s=2.0,
    drain_max_s=3.0,
    took_s=60.0,
)


def test_only_tasks_that_ended_after_sigterm_count_as_hit() -> None:
    log = "\n".join(
        [
            '{"message": "Task t[1] succeeded in 1.2s: 1"}',
            "",
            "worker: Warm shutdown (MainProcess)",
            '{"message": "Task t[2] succeeded in 1.2s: 1"}',
            '{"message": "Task t[3] succeeded in 2.2s: 1"}',
        ]
    )

    assert examine("p", 2.5, StringIO(log)) == Victim("p", 2.5, finished=2)
    assert examine("p", 2.5, StringIO(log.partition("worker:")[0])).finished == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lost": 1}, "1 tasks lost, 0 failed, of 9"),
        ({"failed": 1}, "0 tasks lost, 1 failed, of 9"),
        ({"duplicated": 1}, "1 ran twice, 0 came again"),
        ({"redelivered": 2}, "0 ran twice, 2 came again"),
        ({"while_tasks_ran": 1}, "only 1 of 2 scale-ins hit a busy pod"),
    ],
)
def test_whatever_must_not_be_is_told(change: dict[str, int], told: str) -> None:
    assert GOOD.problems == []
    assert replace(GOOD, **change).problems == [told]


def test_drains_are_told_by_quantile() -> None:
    victims = [Victim(str(n), float(n), 1) for n in range(1, 101)]

    assert drains(victims) == (51.0, 96.0, 100.0)


class Answers:
    """An API whose tasks end at the second question, but for one, and one fails."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def result(self, task: str) -> Result:
        self.asked[task] += 1
        if task == "never" or self.asked[task] < 2:
            return Result("pending")
        return Result("failed" if task == "fails" else "completed")


def test_results_are_awaited_and_what_has_none_is_named() -> None:
    load = Load(cast("FleetApi", Answers()), "q", waiting=1, seed=1)
    load.sent += ["a", "fails", "never"]

    assert load.unfinished(within_s=0.5) == (["never"], ["fails"])
