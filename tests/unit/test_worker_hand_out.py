"""Who comes first: a process that could begin, or the next message."""

from types import SimpleNamespace
from typing import Any

import pytest

from worker_image.hand_out import unless_it_hands_out


def pool(waiting: int, busy: int, processes: int) -> Any:
    return SimpleNamespace(
        outbound_buffer=list(range(waiting)),
        _busy_workers=set(range(busy)),
        _all_inqueues=set(range(processes)),
    )


@pytest.mark.parametrize(
    ("waiting", "busy", "takes"),
    [(1, 1, False), (1, 2, True), (0, 1, True), (0, 0, True), (3, 0, False)],
)
def test_no_message_is_taken_while_an_idle_process_could_begin(
    waiting: int, busy: int, *, takes: bool
) -> None:
    assert unless_it_hands_out(pool(waiting, busy, 2), lambda: True)() is takes


def test_a_full_worker_stays_full() -> None:
    assert unless_it_hands_out(pool(0, 2, 2), lambda: False)() is False
