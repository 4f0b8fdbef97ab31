"""The load is the same for both arms, and has in it what a delivery may fail at."""

from chaos.arms import VISIBILITY_S, WORKERS
from chaos.load import Message, planned


def drawn(seed: int = 1, count: int = 400) -> list[Message]:
    return list(planned(seed, "calm", count, longest=True))


def test_a_seed_draws_the_same_messages_each_time() -> None:
    assert drawn() == drawn()
    assert {message.entry.id for message in drawn()}.isdisjoint(
        message.entry.id for message in drawn(seed=2)
    )


def test_ids_are_unique() -> None:
    messages = drawn()

    assert len({message.entry.id for message in messages}) == len(messages) == 402


def test_every_queue_has_messages() -> None:
    assert {message.entry.queue for message in drawn()} == set(WORKERS)


def test_tasks_last_from_50_ms_to_three_visibility_timeouts() -> None:
    lengths = sorted(message.entry.seconds for message in drawn())

    assert 0.05 <= lengths[0] < 0.1
    assert lengths[-1] == 3 * VISIBILITY_S


def test_etas_lie_beyond_the_visibility_timeout() -> None:
    countdowns = [message.countdown_s for message in drawn() if message.entry.kind == "eta"]

    assert countdowns
    assert all(countdown and countdown > VISIBILITY_S for countdown in countdowns)


def test_some_tasks_ask_for_a_retry() -> None:
    assert any(message.entry.kind == "retry" for message in drawn())


def test_a_burst_comes_amid_a_trickle() -> None:
    times = [message.at_s for message in drawn()]
    moments = {at_s: times.count(at_s) for at_s in times}

    assert max(moments.values()) == 120
    assert len(moments) > 200
