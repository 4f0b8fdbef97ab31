"""When a process counts as unwell, and when it is beyond hope."""

import asyncio

import httpx

from rehearsal.supervisor.keeper import back_off_s
from rehearsal.supervisor.watch import Watch, ask


def test_a_process_is_asked_often_until_it_is_well() -> None:
    watch = Watch()

    assert watch.note("refused", now=0) == "unwell"
    assert watch.pause_s <= 0.1
    assert watch.note(None, now=1) == "well"
    assert watch.pause_s >= 5


def test_one_miss_of_a_well_process_is_overlooked_and_a_second_shown() -> None:
    watch = Watch()
    watch.note(None, now=0)

    assert watch.note("slow", now=5) == "well"
    assert watch.note("slow", now=6) == "unwell"


def test_a_process_that_stays_silent_is_beyond_hope() -> None:
    watch = Watch()
    watch.note(None, now=0)
    watch.note("hangs", now=5)

    assert watch.note("hangs", now=34) == "unwell"
    assert watch.note("hangs", now=36) == "beyond hope"


def test_an_answer_in_between_renews_the_patience() -> None:
    watch = Watch()
    watch.note(None, now=0)
    watch.note("slow", now=5)
    watch.note(None, now=30)

    assert watch.note("slow", now=40) == "well"


def test_a_process_that_never_was_well_gets_a_minute() -> None:
    watch = Watch()
    watch.note("starts", now=0)

    assert watch.note("starts", now=59) == "unwell"
    assert watch.note("starts", now=61) == "beyond hope"


def test_a_process_is_not_blamed_while_what_it_needs_is_away() -> None:
    watch = Watch()
    watch.note(None, now=0)
    for now in range(1, 100):
        assert watch.note("no API server", now, excused=True) != "beyond hope"

    assert watch.note("still nothing", now=128) == "unwell"
    assert watch.note("still nothing", now=130) == "beyond hope"


def test_a_check_that_fails_to_ask_is_an_answer() -> None:
    def refuse() -> str | None:
        raise httpx.ConnectError("refused")

    def hang_up() -> str | None:
        raise ConnectionResetError

    assert asyncio.run(ask(refuse)) == "refused"
    assert asyncio.run(ask(hang_up)) == "ConnectionResetError"
    assert asyncio.run(ask(lambda: None)) is None


def test_back_off_doubles_up_to_half_a_minute() -> None:
    assert [back_off_s(failures) for failures in (0, 1, 2)] == [0.2, 0.4, 0.8]
    assert back_off_s(100) == 30
