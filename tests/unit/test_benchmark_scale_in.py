"""What the scale-in benchmark makes of a pod's log, of results, and of its figures."""

import json
from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.scale_in.load import Load
from benchmarks.scale_in.report import Report, drains, earlier, quantile
from benchmarks.scale_in.victim import Victim, examine
from fleet.api_client import FleetApi, Result

GOOD = Report(
    rounds=2,
    while_tasks_ran=2,
    replicas=8,
    floor=4,
    seeds=[1],
    tasks=9,
    results=9,
    failed=0,
    lost=0,
    runs=9,
    duplicated=0,
    redelivered=0,
    finished_after_sigterm=3,
    drain_s=[1.0, 3.0],
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
        ({"while_tasks_ran": 1}, "only 1 of 2 scale-ins hit a busy pod"),
    ],
)
def test_whatever_must_not_be_is_told(change: dict[str, Any], told: str) -> None:
    assert GOOD.problems == []
    assert replace(GOOD, **change).problems == [told]


def test_a_message_that_a_pod_gave_back_is_told_and_no_problem() -> None:
    given_back = replace(GOOD, redelivered=1)

    assert given_back.problems == []
    assert given_back.rows()["messages delivered again"] == "1"


def test_quantiles_are_values_that_occurred() -> None:
    victims = [Victim(str(n), float(n), 1) for n in range(100, 0, -1)]

    assert [quantile(drains(victims), share) for share in (0.5, 0.95, 1.0)] == [50.0, 95.0, 100.0]


def test_runs_add_up_in_one_file_and_page(tmp_path: Path) -> None:
    file = tmp_path / "scale_in.json"
    GOOD.with_earlier(earlier(file, 8, 4, seed=1)).write(file)
    second = replace(GOOD, seeds=[2], lost=1, drain_s=[7.0])
    second.with_earlier(earlier(file, 8, 4, seed=2)).write(file)

    told = json.loads(file.read_text())
    assert (told["rounds"], told["tasks"], told["lost"]) == (4, 18, 1)
    assert (told["replicas"], told["floor"]) == (8, 4)
    page = file.with_suffix(".md").read_text()
    assert "| scale-ins | 4 |" in page
    assert "| pod gone after, p50 / p95 / max | 3.0 / 7.0 / 7.0 s |" in page


def test_runs_of_other_replicas_or_of_the_same_tasks_are_not_added(tmp_path: Path) -> None:
    file = tmp_path / "scale_in.json"
    GOOD.write(file)

    with pytest.raises(ValueError, match="8 to 4 replicas"):
        earlier(file, 8, 3, seed=2)
    with pytest.raises(ValueError, match="has seed 1 already"):
        earlier(file, 8, 4, seed=1)


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
