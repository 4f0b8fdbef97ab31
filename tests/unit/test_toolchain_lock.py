"""Two builds at once share one cache."""

import fcntl
import threading
from pathlib import Path

from rehearsal.toolchain.lock import held


def test_a_second_build_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    said, entered = threading.Event(), threading.Event()

    def second() -> None:
        with held(tmp_path / "lock", lambda _line: said.set()):
            entered.set()

    thread = threading.Thread(target=second)
    with (tmp_path / "lock").open("a") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        thread.start()
        assert said.wait(5)
        assert not entered.is_set()
    assert entered.wait(5)
    thread.join(5)
