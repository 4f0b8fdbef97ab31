"""Which previews go by themselves, how long they stay, and what is said of them."""

from datetime import timedelta

import pytest

from fleet.previews.reap import Due, due, reap
from fleet.previews.records import Preview
from fleet.previews.table import as_json, table
from fleet.previews.ttl import ttl
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import BRANCH, EXPIRES, NAME, preview

BEFORE, AFTER = EXPIRES - timedelta(hours=1), EXPIRES + timedelta(seconds=1)
CONFIG = preview("staging")


def one(resources: int = 20, *, at_work: bool = False, told: bool = True) -> Preview:
    return Preview(NAME, CONFIG.preview if told else None, CONFIG, resources, at_work)


def test_one_in_its_time_whose_branch_is_there_stays() -> None:
    assert list(due([one()], {BRANCH}, BEFORE)) == []


def test_one_whose_time_is_over_goes() -> None:
    (found,) = due([one()], {BRANCH}, AFTER)

    assert found == Due(NAME, "expired 2026-03-03 12:00 UTC")


def test_one_whose_branch_is_gone_goes() -> None:
    (found,) = due([one()], {"main"}, BEFORE)

    assert found == Due(NAME, f"branch {BRANCH} is gone")


@pytest.mark.parametrize("held", [one(at_work=True), one(told=False)])
def test_one_at_work_and_one_that_cannot_tell_whose_it_is_stay(held: Preview) -> None:
    assert list(due([held], set(), AFTER)) == []


def test_one_that_stays_does_not_keep_the_others() -> None:
    taken: list[str] = []

    def take_down(name: str) -> None:
        if name == "a":
            raise RehearsalError("a is not taken down", "its pods stay", "end them")
        taken.append(name)

    outcomes = list(reap([Due("a", "x"), Due("b", "x")], take_down))

    assert taken == ["b"]
    assert [each.due.name for each in outcomes if each.problem] == ["a"]


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (one(), "up"),
        (one(1), "empty"),
        (one(at_work=True), "at work"),
        (one(told=False), "half made"),
    ],
)
def test_a_state_is_a_word_or_two(found: Preview, state: str) -> None:
    assert found.state(BEFORE) == state
    assert one().state(AFTER) == "expired"


def test_a_list_tells_age_expiry_cost_and_commit() -> None:
    (row,) = as_json([one()], BEFORE)

    assert (row["name"], row["branch"], row["commit"]) == (NAME, BRANCH, "0" * 40)
    assert row["usd_per_day_at_rest"] == pytest.approx(0.23, abs=0.01)
    cells = [next(iter(column.cells)) for column in table([one()], BEFORE).columns]
    assert cells == [NAME, BRANCH, "up", "47 h", "1 h", "0.23", "0" * 12]


@pytest.mark.parametrize(
    ("text", "time"),
    [("48h", timedelta(hours=48)), ("7d", timedelta(days=7)), ("90m", timedelta(minutes=90))],
)
def test_a_time_is_written_as_people_do(text: str, time: timedelta) -> None:
    assert ttl(text) == time


@pytest.mark.parametrize("text", ["", "48", "0h", "-1h", "31d", "1w", "forever"])
def test_a_time_that_is_none_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(RehearsalError, match="at most 30d"):
        ttl(text)
