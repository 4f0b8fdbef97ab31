"""One build at a time: a second one waits, and then finds the tools there."""

import fcntl
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path


def held(file: Path, report: Callable[[str], None]) -> AbstractContextManager[object]:
    """Return a held lock on a file; says so and waits while another process holds it.

    The kernel lets go of it when its holder ends, however that ends.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = file.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        report(f"another process builds the tools ({file}): waiting for it")
        fcntl.flock(handle, fcntl.LOCK_EX)
    # Closing the file lets go of the lock.
    return handle
