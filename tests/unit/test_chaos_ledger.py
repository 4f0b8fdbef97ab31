"""The ledger keeps what producers, tasks and faults tell it, and a run is read back from it."""

from dataclasses import asdict
from pathlib import Path

import pytest

from chaos.ledger import Entry, Ledger
from chaos.record import Excuses, Keys, read

ENTRY = Entry("a", "fast", "plain", "calm", 0.05)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger.sqlite")
    made.create()
    return made


def test_a_message_and_its_refusal_are_read_back(ledger: Ledger) -> None:
    ledger.published(ENTRY, 1.0)
    ledger.published(Entry("b", "fast", "plain", "calm", 0.05), 2.0, "refused")

    first, second = read(ledger, Keys()).published

    assert (first.id, first.kind, first.episode, first.error) == ("a", "plain", "calm", None)
    assert (second.id, second.asked_at, second.error) == ("b", 2.0, "refused")


def test_an_id_is_published_once(ledger: Ledger) -> None:
    ledger.published(ENTRY, 1.0)

    with pytest.raises(Exception, match="UNIQUE"):
        ledger.published(ENTRY, 2.0)


def test_a_start_without_an_end_stays_one(ledger: Ledger) -> None:
    ledger.began("a", 0, "fast-0.1")
    ledger.ended(ledger.began("a", 0, "fast-1.1"), "committed")

    observed = read(ledger, Keys())

    assert [(one.worker, one.outcome) for one in observed.by_id["a"]] == [
        ("fast-0.1", None),
        ("fast-1.1", "committed"),
    ]
    assert observed.committed == {"a"}


def test_an_effect_is_applied_once_and_then_withheld(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.effect("a")

    assert read(ledger, Keys()).effects == {"a": (1, 2)}


def test_a_fault_tells_whom_it_hit_after_all(ledger: Ledger) -> None:
    excuses = Excuses(victims=True, ids=("a",))
    line = ledger.fault(16, "oom", "oom", [])
    ledger.injected(line)
    ledger.healed(line, ["gpu-0.1"], asdict(excuses))

    (fault,) = read(ledger, Keys()).faults

    told = (fault.number, fault.name, fault.victims, fault.excuses)
    assert told == (16, "oom", ("gpu-0.1",), excuses)
    assert fault.injected_at <= fault.done_at <= fault.healed_at


def test_dead_letters_that_the_broker_was_made_to_forget_count_as_parked(ledger: Ledger) -> None:
    line = ledger.fault(7, "forgets", "forgets", [])
    ledger.healed(line, [], asdict(Excuses(parked=("a",))))

    assert read(ledger, Keys(dead=frozenset("b"))).keys.dead == {"a", "b"}
