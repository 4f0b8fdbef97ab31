"""What the durability benchmark makes of a kill, and what it refuses to call a result."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.durability.outcome import Cell, Outcome, cell, outcome
from benchmarks.durability.producer import Answered
from benchmarks.durability.report import Report

NONE_LOST = Cell(5, 900.0, 1.0, 3.0, 4500, 0, 0, 870)
SOME_LOST = replace(NONE_LOST, lost=30, worst=9)
GOOD = Report(
    publishing_s=1.5,
    failover={
        "0 ms": {"stock": NONE_LOST, "confirmed": NONE_LOST},
        "100 ms": {"stock": SOME_LOST, "confirmed": NONE_LOST},
    },
    aof={"everysec": SOME_LOST, "always": NONE_LOST},
    took_s=200.0,
)


def test_lost_is_what_was_answered_and_is_not_there() -> None:
    told = Answered(["a", "b", "c"], [0.1, 0.2, 0.3])

    assert outcome(told, {"b", "never answered"}) == Outcome([0.1, 0.2, 0.3], lost=2)


def test_a_row_sums_up_its_kills() -> None:
    kills = [Outcome([0.001] * 98, lost=1), Outcome([0.002, 0.004], lost=4)]

    assert cell(kills) == Cell(2, round(100 / 0.104, 1), 1.0, 2.0, 100, 5, 4, 98)


def test_at_risk_is_what_was_answered_in_the_last_second() -> None:
    assert Outcome([0.5, 0.25, 0.5, 0.25], lost=0).last_second == 3
    assert Outcome([1.5], lost=0).last_second == 0


def test_a_promise_that_is_kept_and_a_loss_that_shows_are_no_problem() -> None:
    assert GOOD.problems == []


@pytest.mark.parametrize(
    ("part", "name", "way", "figures", "told"),
    [
        ("failover", "0 ms", "confirmed", SOME_LOST, "confirmed publishes at a lag of 0 ms: 30"),
        ("failover", "100 ms", "stock", NONE_LOST, "stock publishes at a lag of 100 ms: none"),
        ("aof", "", "always", SOME_LOST, "appendfsync always: 30 lost"),
    ],
)
def test_a_broken_promise_and_a_trial_that_shows_nothing_are_told(
    part: str, name: str, way: str, figures: Cell, told: str
) -> None:
    if part == "aof":
        bad = replace(GOOD, aof={**GOOD.aof, way: figures})
    else:
        changed = {**GOOD.failover[name], way: figures}
        bad = replace(GOOD, failover={**GOOD.failover, name: changed})

    (problem,) = bad.problems
    assert problem.startswith(told)


def test_json_and_page_hold_each_figure(tmp_path: Path) -> None:
    GOOD.write(tmp_path / "durability.json")

    told = json.loads((tmp_path / "durability.json").read_text())
    page = (tmp_path / "durability.md").read_text()
    assert told["failover"]["100 ms"]["stock"]["lost"] == 30
    assert "| 100 ms | stock | 900 | 1.0 ms | 3.0 ms | 5 | 4,500 | 30 | 9 |" in page
    assert "| everysec | 900 | 1.0 ms | 3.0 ms | 5 | 4,500 | 30 | 870 |" in page
    assert "| always | 900 | 1.0 ms | 3.0 ms | 5 | 4,500 | 0 | 0 |" in page
