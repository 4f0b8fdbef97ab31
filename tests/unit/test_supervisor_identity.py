"""A process is known by more than its pid, and a lock has one living holder."""

import os
import signal
from pathlib import Path

from rehearsal.supervisor.identity import Identity, identify
from rehearsal.supervisor.lock import lock_holder, name_holder, take_lock


def me() -> Identity:
    found = identify(os.getpid())
    assert found is not None
    return found


def test_a_running_process_is_alive() -> None:
    assert me().alive


def test_a_pid_that_was_used_again_is_another_process() -> None:
    earlier = me().model_copy(update={"start_ticks": me().start_ticks - 1})

    assert not earlier.alive


def test_a_process_of_an_earlier_boot_is_gone() -> None:
    assert not me().model_copy(update={"boot": "another"}).alive


def test_a_signal_never_hits_the_wrong_process() -> None:
    earlier = me().model_copy(update={"start_ticks": 0})

    earlier.send(signal.SIGKILL)  # this test would not end well


def test_a_second_lock_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = take_lock(path)
    assert first is not None

    assert take_lock(path) is None

    os.close(first)
    again = take_lock(path)
    assert again is not None
    os.close(again)


def test_the_holder_is_known_while_it_lives(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    descriptor = take_lock(path)
    assert descriptor is not None

    name_holder(descriptor, me())
    assert lock_holder(path) == me()

    name_holder(descriptor, me().model_copy(update={"start_ticks": 0}))
    assert lock_holder(path) is None
    os.close(descriptor)


def test_a_lock_without_a_name_has_no_holder(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text('{"pid": 1')

    assert lock_holder(tmp_path / "lock") is None
    assert lock_holder(tmp_path / "none") is None
