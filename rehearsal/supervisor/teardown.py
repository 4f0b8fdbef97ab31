"""Stops a stage, with or without its supervisor, and verifies that nothing is left."""

import contextlib
import signal
import time
from collections.abc import Callable

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.node_agent.leftovers import end_pod_processes
from rehearsal.supervisor.identity import Identity
from rehearsal.supervisor.lock import lock_holder
from rehearsal.supervisor.records import BrokenRecordError, ProcessRecord, read_record
from rehearsal.supervisor.state_files import lock_file, processes_file
from rehearsal.supervisor.stopping import is_alive, kill, stop_processes
from rehearsal.supervisor.strays import find_strays

# The sum of the groups' graces is 19 s; a supervisor that takes longer hangs.
_SUPERVISOR_LIMIT_S = 22.0
_POLL_S = 0.05


def stop(layout: Layout, report: Callable[[str], None]) -> None:
    """End the supervisor, then whatever it left; stopping what does not run is fine.

    Raises:
        RehearsalError: a process is left.

    """
    processes = _recorded(layout, report)
    holder = lock_holder(lock_file(layout))
    if holder is not None:
        _end_supervisor(holder, report)
        processes = _recorded(layout, report) or processes
    left = [each for each in processes if is_alive(each)]
    if left:
        report(f"no supervisor: ending {', '.join(each.name for each in left)} without it")
    stop_processes(left)
    strays = find_strays(layout, ())
    if strays:
        report(f"ending {len(strays)} processes of this stage that no record names")
    kill(strays)
    # An agent that was killed could not end its pods.
    end_pod_processes(layout)
    _verify(layout, [*(each.identity for each in processes if each.identity), *strays])
    with contextlib.suppress(FileNotFoundError):
        processes_file(layout).unlink()


def _recorded(layout: Layout, report: Callable[[str], None]) -> list[ProcessRecord]:
    try:
        record = read_record(layout)
    except BrokenRecordError:
        report(f"{processes_file(layout)} is broken: looking for processes without it")
        return []
    return [] if record is None else list(record.processes.values())


def _end_supervisor(holder: Identity, report: Callable[[str], None]) -> None:
    holder.send(signal.SIGTERM)
    deadline = time.monotonic() + _SUPERVISOR_LIMIT_S
    while holder.alive:
        if time.monotonic() > deadline:
            report(f"the supervisor (pid {holder.pid}) does not end by itself: killing it")
            holder.send(signal.SIGKILL)
            deadline += _SUPERVISOR_LIMIT_S
        time.sleep(_POLL_S)


def _verify(layout: Layout, ended: list[Identity]) -> None:
    left = [f"pid {identity.pid}" for identity in ended if identity.alive]
    if left:
        raise RehearsalError(
            what="The rehearsal is not stopped wholly.",
            why=f"still there: {', '.join(left)}",
            mend="end them yourself (`kill -9`), then run the command again",
            where=layout.root,
        )
