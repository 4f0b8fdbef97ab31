"""Start a supervisor in the background: `python -m rehearsal.supervisor --state FOLDER`."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.supervisor.identity import identify
from rehearsal.supervisor.lock import name_holder, take_lock
from rehearsal.supervisor.preparation import Preparation
from rehearsal.supervisor.records import (
    BrokenRecordError,
    Problem,
    ProcessRecord,
    StageRecord,
    read_record,
    write_record,
)
from rehearsal.supervisor.state_files import lock_file

_LOG = logging.getLogger("rehearsal.supervisor")

HELD_BY_ANOTHER = 3
"""Exit code: the state folder has a supervisor already."""


def main() -> int:
    """Take the lock, go to the background, and supervise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", required=True, type=Path, help="the state folder")
    layout = Layout(parser.parse_args().state.resolve())
    descriptor = take_lock(lock_file(layout))
    if descriptor is None:
        return HELD_BY_ANOTHER
    # The lock passes to the child; whoever waits for this process finds it held.
    pid = os.fork()
    if pid:
        identity = identify(pid)
        if identity is not None:
            name_holder(descriptor, identity)
        return 0
    return _supervise(layout)


def _supervise(layout: Layout) -> int:
    _log_to_stderr()
    me = identify(os.getpid())
    if me is None:
        raise RuntimeError("/proc does not show this process")
    try:
        daemon = Preparation(layout, me, _earlier(layout)).daemon()
    except RehearsalError as error:
        _LOG.error("%s", error)
        record = StageRecord(supervisor=me, phase="failed", inputs="", problem=Problem.of(error))
        write_record(layout, record)
        return 1
    return asyncio.run(daemon.run())


def _earlier(layout: Layout) -> dict[str, ProcessRecord]:
    try:
        record = read_record(layout)
    except BrokenRecordError:
        _LOG.exception("the earlier supervisor's record is broken; starting without it")
        return {}
    return {} if record is None else record.processes


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    # A line for each health check otherwise.
    logging.getLogger("httpx").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
