"""What the benchmark of wild previews calls a problem, and what it writes down."""

import json
from pathlib import Path

import pytest

from benchmarks.wild.report import PUSHED, QUIET, UNBOUNDED, Phase, Report

QUIETLY = [4.0] * 95 + [6.0] * 5


def report(name: str, waits_ms: list[float], held_most: int = 0) -> Report:
    quiet = Phase(QUIET, QUIETLY, 0, 2.0, 0.0)
    return Report(1000, 10, [quiet, Phase(name, waits_ms, held_most, 9.0, 1.5, {"sent": 1})])


def test_waits_near_those_of_quiet_within_the_bound_are_no_problem() -> None:
    assert report("a fork bomb", [100.0] * 95 + [900.0] * 5, 1000).problems == []


def test_a_base_that_waits_too_long_is_told_with_what_is_added() -> None:
    (problem,) = report("a fork bomb", [100.0] * 94 + [105.0] * 6).problems

    assert problem == "a fork bomb: adds 101 ms, above 100 (p95)"


@pytest.mark.parametrize(("name", "problems"), [("a fork bomb", 1), (PUSHED, 0), (UNBOUNDED, 0)])
def test_a_queue_holds_more_than_it_may_only_where_nothing_bounds_it(
    name: str, problems: int
) -> None:
    assert len(report(name, QUIETLY, 1001).problems) == problems


def test_the_file_holds_each_wait_and_each_problem(tmp_path: Path) -> None:
    report("a fork bomb", QUIETLY, 1001).write(tmp_path / "wild.json")

    told = json.loads((tmp_path / "wild.json").read_text())
    assert [phase["waits_ms"] for phase in told["phases"]] == [QUIETLY, QUIETLY]
    assert told["problems"] == ["a fork bomb: the preview's queue held 1001, above 1000"]
