"""Makes sure that one up-to-date supervisor runs, whatever was left of the last one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.supervisor.identity import Identity
from rehearsal.supervisor.lock import lock_holder
from rehearsal.supervisor.news import describe_log
from rehearsal.supervisor.records import BrokenRecordError, StageRecord, read_record
from rehearsal.supervisor.spawning import inherited_environment, open_log
from rehearsal.supervisor.state_files import lock_file, log_file, processes_file
from rehearsal.supervisor.stopping import is_alive, kill
from rehearsal.supervisor.strays import find_strays

_HELD_BY_ANOTHER = 3
_HAND_OVER_LIMIT_S = 10.0
_POLL_S = 0.05
_LAUNCH_LIMIT_S = 20.0


def ensure_supervisor(layout: Layout, inputs: str, report: Callable[[str], None]) -> None:
    """Start a supervisor if none runs, or one that does has other `inputs`.

    Raises:
        RehearsalError: it ends at once.

    """
    holder = _holder_that_stays(layout)
    record = _record_or_recover(layout, holder, report)
    if holder is not None:
        if record is None or record.supervisor != holder or record.inputs == inputs:
            return
        report("the specification or the tools changed: restarting what they concern")
        _hand_over(holder)
    elif record is not None:
        _report_loss(record, report)
    _end_strays(layout, record, report)
    _launch(layout)


def _holder_that_stays(layout: Layout) -> Identity | None:
    """Give the living supervisor, once one that is just ending has ended."""
    while holder := lock_holder(lock_file(layout)):
        try:
            record = read_record(layout)
        except BrokenRecordError:
            return holder
        if record is None or record.supervisor != holder:
            return holder
        if record.phase not in {"stopping", "failed", "handed over"}:
            return holder
        time.sleep(_POLL_S)
    return None


def _record_or_recover(
    layout: Layout, holder: Identity | None, report: Callable[[str], None]
) -> StageRecord | None:
    try:
        return read_record(layout)
    except BrokenRecordError as error:
        if holder is None:
            path = processes_file(layout)
            report(f"{path} is broken ({str(error).splitlines()[0]}): starting without it")
            path.unlink()
        return None


def _report_loss(record: StageRecord, report: Callable[[str], None]) -> None:
    if record.phase not in {"starting", "running", "stopping"}:
        return
    alive = [each.name for each in record.processes.values() if is_alive(each)]
    was = f"the supervisor (pid {record.supervisor.pid}) had died"
    if alive:
        report(f"{was}; a new one takes over {', '.join(alive)}")
    else:
        report(f"{was} with all its processes; everything is started anew")


def _end_strays(layout: Layout, record: StageRecord | None, report: Callable[[str], None]) -> None:
    known = [each.identity for each in (record.processes.values() if record else ())]
    strays = find_strays(layout, [identity for identity in known if identity is not None])
    if strays:
        pids = ", ".join(str(stray.pid) for stray in strays)
        report(f"ending processes of this stage that no record names: {pids}")
        kill(strays)


def _hand_over(holder: Identity) -> None:
    holder.send(signal.SIGHUP)
    deadline = time.monotonic() + _HAND_OVER_LIMIT_S
    while holder.alive:
        if time.monotonic() > deadline:
            # Its processes are recorded; the next supervisor adopts them all the same.
            holder.send(signal.SIGKILL)
        time.sleep(_POLL_S)


def _launch(layout: Layout) -> None:
    log = log_file(layout, "supervisor")
    with open_log(log) as output:
        run = subprocess.run(
            [sys.executable, "-m", "rehearsal.supervisor", "--state", str(layout.root)],
            env=inherited_environment(os.environ),
            cwd=layout.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            timeout=_LAUNCH_LIMIT_S,
            check=False,
        )
    if run.returncode not in {0, _HELD_BY_ANOTHER}:
        raise RehearsalError(
            what="The supervisor does not start.",
            why=f"exit code {run.returncode}; {describe_log(log)}",
            mend="read the log, mend its cause, then run the command again",
            where=log,
        )
