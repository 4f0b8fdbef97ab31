"""The fleet's priorities against kombu's steps and list names."""

from unittest.mock import Mock

import pytest
from kombu.transport.redis import Channel

from worker_image.priority import clamped, kombu_priority, list_name, step

STEPS = (0, 3, 6, 9)

# Ours, kombu's, the step it falls into.
TABLE = [
    (0, 9, 9),
    (1, 8, 6),
    (2, 7, 6),
    (3, 6, 6),
    (4, 5, 3),
    (5, 4, 3),
    (6, 4, 3),
    (7, 3, 3),
    (8, 2, 0),
    (9, 1, 0),
    (10, 0, 0),
]


@pytest.mark.parametrize(("ours", "kombu", "expected_step"), TABLE)
def test_ten_is_served_first_and_zero_last(ours: int, kombu: int, expected_step: int) -> None:
    assert kombu_priority(ours) == kombu
    assert step(kombu, STEPS) == expected_step


@pytest.mark.parametrize("priority", [-1, 11])
def test_a_priority_off_the_scale_is_refused(priority: int) -> None:
    with pytest.raises(ValueError, match=r"0 \(low\) and 10 \(high\)"):
        kombu_priority(priority)


@pytest.mark.parametrize("kombu", range(10))
@pytest.mark.parametrize("steps", [STEPS, (0,), (0, 5)])
def test_lists_are_named_as_kombu_names_them(kombu: int, steps: tuple[int, ...]) -> None:
    channel = Mock(priority_steps=list(steps), sep=":")
    channel.priority = lambda n: Channel.priority(channel, n)

    assert list_name("labeling", step(kombu, steps), ":") == Channel._q_for_pri(
        channel, "labeling", kombu
    )


def test_a_made_up_kombu_priority_is_kept_on_the_scale() -> None:
    assert [clamped(-1), clamped(4), clamped(255)] == [0, 4, 9]
    assert step(-1, STEPS) == 0
