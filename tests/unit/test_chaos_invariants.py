"""Each invariant of the campaign holds of a clean run, and fails where its rule is broken."""

from dataclasses import replace
from signal import SIGKILL

import pytest

from chaos.invariants import broken, late_to_zero
from chaos.record import (
    EndedWorker,
    Excuses,
    Execution,
    Keys,
    Observed,
    Published,
    Struck,
)

MESSAGE = Published("a", "fast", "plain", "calm", asked_at=9.9, at=10.0)
RUN = Execution("a", 0, "fast-0.1", began_at=11.0, ended_at=12.0, outcome="committed")
CLEAN = Observed([MESSAGE], [RUN], {"a": (1, 0)})
CUT_OFF = replace(RUN, ended_at=None, outcome=None)
AGAIN = replace(RUN, worker="fast-1.1", began_at=21.0, ended_at=22.0)
KILL = Struck(1, "kill", "kill", 11.5, 11.5, ("fast-0.1",), Excuses(victims=True))


def names(observed: Observed) -> list[str]:
    return [one.invariant for one in broken(observed)]


def test_a_run_in_which_all_is_committed_once_breaks_nothing() -> None:
    assert not names(CLEAN)


def test_a_message_without_an_end_is_lost() -> None:
    (found,) = broken(replace(CLEAN, executions=[]))

    assert (found.invariant, found.subject, found.episode) == ("I1", "a", "calm")


def test_a_start_is_no_end() -> None:
    assert names(replace(CLEAN, executions=[CUT_OFF])) == ["I1"]


def test_what_was_refused_was_not_promised() -> None:
    refused = replace(MESSAGE, error="OperationalError")

    assert not names(replace(CLEAN, published=[refused], executions=[]))


def test_a_parked_message_is_not_lost() -> None:
    assert not names(replace(CLEAN, executions=[], keys=Keys(dead=frozenset({"a"}))))


@pytest.mark.parametrize(
    ("published_at", "broken_then"), [(8.5, ["I1"]), (10.0, []), (11.6, []), (12.1, ["I1"])]
)
def test_only_what_was_published_just_before_a_broker_died_may_go_with_it(
    published_at: float, broken_then: list[str]
) -> None:
    excuses = Excuses(publishes_s=1.0)
    died = Struck(6, "broker", "broker", 10.5, 14.0, excuses=excuses, done_at=11.0)
    message = replace(MESSAGE, at=published_at)
    observed = replace(CLEAN, published=[message], executions=[], faults=[died])

    assert names(observed) == broken_then


@pytest.mark.parametrize(
    ("began_at", "ended_at", "broken_then"),
    [
        (10.2, 10.3, []),
        (8.0, 10.2, []),
        (6.0, 8.0, []),
        (11.5, 12.5, []),
        (5.0, 7.0, ["I2"]),
        (12.5, 13.0, ["I2"]),
    ],
)
def test_only_a_start_or_acknowledgement_just_before_a_broker_died_may_be_forgotten(
    began_at: float, ended_at: float, broken_then: list[str]
) -> None:
    excuses = Excuses(takes_s=1.0)
    died = Struck(8, "failover", "failover", 10.5, 17.0, excuses=excuses, done_at=11.0)
    first = replace(RUN, began_at=began_at, ended_at=ended_at)
    again = replace(AGAIN, began_at=18.0, ended_at=18.1)

    assert names(replace(CLEAN, executions=[first, again], faults=[died])) == broken_then


def test_a_second_start_needs_a_fault() -> None:
    assert names(replace(CLEAN, executions=[RUN, AGAIN])) == ["I2"]


def test_a_second_start_after_its_owner_was_killed_is_excused() -> None:
    assert not names(replace(CLEAN, executions=[CUT_OFF, AGAIN], faults=[KILL]))


def test_a_fault_of_another_worker_excuses_nothing() -> None:
    other = replace(KILL, victims=("fast-7.1",))

    assert names(replace(CLEAN, executions=[CUT_OFF, AGAIN], faults=[other])) == ["I2"]


def test_a_fault_that_excuses_no_start_excuses_none_on_its_victim() -> None:
    gentle = replace(KILL, excuses=Excuses())

    assert names(replace(CLEAN, executions=[RUN, AGAIN], faults=[gentle])) == ["I2"]


def test_a_fault_long_after_an_end_excuses_no_second_start() -> None:
    late = replace(KILL, injected_at=15.0, healed_at=15.0)

    assert names(replace(CLEAN, executions=[RUN, AGAIN], faults=[late])) == ["I2"]


def test_a_fault_that_came_after_the_second_start_does_not_excuse_it() -> None:
    late = replace(KILL, injected_at=30.0, healed_at=30.0)

    assert names(replace(CLEAN, executions=[CUT_OFF, AGAIN], faults=[late])) == ["I2"]


def test_what_a_worker_gives_back_before_it_is_killed_must_not_have_begun() -> None:
    excuses = Excuses(victims=True, once_over=True)
    drained = Struck(5, "drain", "drain", 11.5, 13.0, ("fast-0.1",), excuses)
    too_soon = replace(AGAIN, began_at=12.5)

    assert names(replace(CLEAN, executions=[RUN, too_soon], faults=[drained])) == ["I2"]
    assert not names(replace(CLEAN, executions=[RUN, AGAIN], faults=[drained]))


def test_a_retry_is_no_second_start() -> None:
    asked = replace(RUN, outcome="retried")

    assert not names(replace(CLEAN, executions=[asked, replace(AGAIN, attempt=1)]))


def test_a_retry_that_a_killed_worker_had_asked_for_comes_once_for_each_that_asked() -> None:
    asked = replace(RUN, outcome="retried")
    anew = replace(AGAIN, outcome="retried")
    retry = replace(RUN, attempt=1, worker="fast-1.1", began_at=23.0, ended_at=24.0)
    twins = [retry, replace(retry, began_at=23.5, ended_at=24.5)]
    observed = replace(CLEAN, executions=[asked, anew, *twins], faults=[KILL])

    assert not names(observed)
    third = replace(retry, began_at=25.0, ended_at=26.0)
    assert names(replace(observed, executions=[asked, anew, *twins, third])) == ["I2"]


def test_an_attempt_that_asked_for_a_retry_must_not_start_again_by_itself() -> None:
    asked = replace(RUN, outcome="retried")

    assert names(replace(CLEAN, executions=[asked, AGAIN])) == ["I2"]


def test_two_runs_at_once_need_an_outage_beyond_the_lease() -> None:
    at_once = replace(AGAIN, began_at=11.6)
    observed = replace(CLEAN, executions=[RUN, at_once], faults=[KILL])
    away = replace(KILL, excuses=Excuses(victims=True, overlaps=True))

    assert names(observed) == ["I2"]
    assert not names(replace(observed, faults=[away]))


def test_an_owner_that_was_away_must_not_come_back_to_what_another_has_run_meanwhile() -> None:
    meanwhile = replace(RUN, worker="fast-1.1", began_at=11.6)
    back = replace(RUN, began_at=21.0, ended_at=22.0)
    away = Excuses(victims=True, overlaps=True)
    cut = Struck(10, "cut", "cut", 11.5, 20.0, ("fast-0.1",), away)

    assert names(replace(CLEAN, executions=[meanwhile, back], faults=[cut])) == ["I2"]


def test_a_copied_message_may_run_twice_and_at_once() -> None:
    at_once = replace(AGAIN, began_at=11.6)
    copied = Struck(22, "copy", "copy", 10.5, 10.5, excuses=Excuses(ids=("a",)))

    assert not names(replace(CLEAN, executions=[RUN, at_once], faults=[copied]))


def test_an_effect_that_is_had_twice_breaks_its_key() -> None:
    assert names(replace(CLEAN, effects={"a": (2, 0)})) == ["I2"]


def test_a_key_that_is_not_empty_at_rest_holds_a_message() -> None:
    (found,) = broken(replace(CLEAN, keys=Keys(left={"unacked:fast": 2})))

    assert (found.invariant, found.subject) == ("I3", "unacked:fast")


def test_hash_and_index_of_held_messages_agree_always() -> None:
    assert names(replace(CLEAN, keys=Keys(mismatches=["unacked:fast: 1 held, 0"]))) == ["I3"]


def test_a_worker_is_killed_by_faults_alone() -> None:
    end = EndedWorker("fast-0.1", -SIGKILL, 11.5)

    assert names(replace(CLEAN, ends=[end])) == ["I4"]
    assert not names(replace(CLEAN, ends=[end], faults=[KILL]))
    assert not names(replace(CLEAN, ends=[replace(end, code=0)]))


def test_a_queue_is_at_zero_within_its_cooldown_and_a_minute() -> None:
    up = (0.0, 1)

    assert not list(late_to_zero([up, (95.0, 0)], 10.0, cooldown_s=30.0, until=200.0))
    assert len(list(late_to_zero([up, (105.0, 0)], 10.0, cooldown_s=30.0, until=200.0))) == 1
    assert len(list(late_to_zero([up], 10.0, cooldown_s=30.0, until=200.0))) == 1


def test_a_queue_that_was_at_zero_when_it_rested_is_not_late() -> None:
    assert not list(late_to_zero([(0.0, 1), (5.0, 0)], 10.0, cooldown_s=1.0, until=500.0))
