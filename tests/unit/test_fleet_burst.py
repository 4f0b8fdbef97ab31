"""When a burst is over, what it amounts to, and how it is drawn."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from fleet import burst_record, picture
from fleet.burst_record import Sample, Summary
from fleet.chart import terminal_chart, ticks

CURVE = [
    Sample(at_s=0.0, pending=0, in_flight=0, done=0, ready=0, desired=0),
    Sample(at_s=1.0, pending=10, in_flight=0, done=0, ready=0, desired=1),
    Sample(at_s=2.0, pending=6, in_flight=4, done=0, ready=1, desired=1),
    Sample(at_s=3.0, pending=0, in_flight=1, done=9, ready=2, desired=2),
    Sample(at_s=4.0, pending=0, in_flight=0, done=10, ready=2, desired=2),
    Sample(at_s=9.0, pending=0, in_flight=0, done=10, ready=0, desired=0),
]
GOOD = Summary(10, 10, 0, 0, 0.5, 2.0, 4.0, 2, 9.0)


def test_the_first_task_in_flight_is_the_first_start() -> None:
    assert burst_record.first_start_s(CURVE) == 2.0
    assert burst_record.first_start_s(CURVE[:2]) is None


def test_an_empty_queue_is_not_drained_while_a_task_runs() -> None:
    assert burst_record.drained_s(CURVE, 10) == 4.0


def test_an_empty_queue_before_anything_was_sent_is_not_drained() -> None:
    assert not burst_record.is_drained(CURVE[0], 10)


def test_a_task_that_runs_a_second_time_keeps_the_queue_from_being_drained() -> None:
    assert not burst_record.is_drained(replace(CURVE[4], in_flight=1), 10)


def test_a_pod_that_still_finishes_keeps_its_worker_from_rest() -> None:
    assert not burst_record.is_at_rest(replace(CURVE[-1], ready=1), 10, 0)


def test_rest_is_reached_only_when_the_replicas_are_gone() -> None:
    assert burst_record.at_rest_s(CURVE, 10, 0) == 9.0
    assert burst_record.at_rest_s(CURVE, 10, 2) == 4.0
    assert burst_record.at_rest_s(CURVE[:-1], 10, 0) is None


def test_one_result_per_task_and_none_twice_is_no_problem() -> None:
    assert GOOD.problems == []


@pytest.mark.parametrize(
    ("summary", "problem"),
    [
        (replace(GOOD, results=9, failed=1), "9 results for 10 tasks (1 failed)"),
        (replace(GOOD, redelivered=2), "2 tasks were delivered again"),
        (replace(GOOD, drained_after_s=None), "the queue was not drained in time"),
        (
            replace(GOOD, back_to_minimum_after_s=None),
            "the worker was not back at its minimum in time",
        ),
    ],
)
def test_what_went_wrong_is_named(summary: Summary, problem: str) -> None:
    assert summary.problems == [problem]


@pytest.mark.parametrize(
    ("highest", "expected"),
    [(0, [0, 1]), (1, [0, 1]), (6, [0, 2, 4, 6]), (300, [0, 75, 150, 225, 300])],
)
def test_axes_count_in_whole_numbers_and_reach_the_highest(
    highest: int, expected: list[int]
) -> None:
    assert ticks(highest) == expected


def test_without_colours_the_curves_have_symbols_that_the_title_explains() -> None:
    drawn = terminal_chart(CURVE, "labeling", (80, 25), colour=False)

    assert "\x1b" not in drawn
    assert "queue labeling, messages:  pending #  in flight +" in drawn
    assert "seconds since the first task was sent" in drawn


def test_a_chart_fits_its_terminal() -> None:
    drawn = terminal_chart(CURVE, "labeling", (80, 25), colour=True)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", drawn)

    assert max(len(line) for line in bare.splitlines()) == 80
    assert len(bare.splitlines()) <= 24


def test_one_sample_can_be_drawn() -> None:
    assert "messages" in terminal_chart(CURVE[:1], "labeling", (80, 25), colour=False)


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    picture.save(CURVE, "labeling", tmp_path / "burst.png")

    assert (tmp_path / "burst.png").read_bytes().startswith(b"\x89PNG")
