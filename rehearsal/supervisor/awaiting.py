"""Waits, as a command does, until the supervisor says that the stage is healthy."""

import time
from collections.abc import Callable
from typing import NoReturn

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.supervisor.lock import lock_holder
from rehearsal.supervisor.news import describe_log
from rehearsal.supervisor.records import BrokenRecordError, ProcessRecord, StageRecord, read_record
from rehearsal.supervisor.state_files import lock_file, log_file
from rehearsal.supervisor.stopping import is_alive

_POLL_S = 0.05
# Twice the patience with one program (`watch.py`): two may wait for each other.
_LIMIT_S = 120.0


class SupervisorLostError(Exception):
    """The supervisor was killed; it left its record behind."""


def wait_until_healthy(layout: Layout, report: Callable[[str], None]) -> None:
    """Return once all processes run and every deed is done; report each as it gets well.

    Raises:
        RehearsalError: the supervisor gave up or was stopped, or it took too long.
        SupervisorLostError: another supervisor can take over.

    """
    deadline = time.monotonic() + _LIMIT_S
    told: set[str] | None = None
    while time.monotonic() < deadline:
        holder = lock_holder(lock_file(layout))
        record = _record(layout)
        if holder is None:
            _raise_ended(layout, record)
        if record is not None and record.supervisor == holder:
            told = _tell_progress(record, told, report)
            if _is_healthy(record):
                return
            # A first start that failed is being undone: nothing of it is left once the
            # supervisor has ended.
            if record.problem is not None and record.phase == "running":
                raise record.problem.error()
        time.sleep(_POLL_S)
    raise _too_slow(layout, _record(layout))


def _record(layout: Layout) -> StageRecord | None:
    try:
        return read_record(layout)
    except BrokenRecordError:
        # The supervisor writes it anew with its next change.
        return None


def _is_healthy(record: StageRecord) -> bool:
    return record.healthy and all(is_alive(each) for each in record.processes.values())


def _tell_progress(
    record: StageRecord, told: set[str] | None, report: Callable[[str], None]
) -> set[str]:
    """Report who came to run since the last look; what ran at the first is no news."""
    running = {name for name, each in record.processes.items() if each.state == "running"}
    for name in record.processes:
        if told is not None and name in running - told:
            report(f"{name} runs")
    return running | (told or set())


def _raise_ended(layout: Layout, record: StageRecord | None) -> NoReturn:
    if record is None:
        log = log_file(layout, "supervisor")
        raise RehearsalError(
            what="The supervisor ended before the rehearsal was healthy.",
            why=f"another command stopped it, or it failed; {describe_log(log)}",
            mend="run the command again; if it ends again, read the log",
            where=log,
        )
    if record.problem is not None:
        raise record.problem.error()
    raise SupervisorLostError


def _too_slow(layout: Layout, record: StageRecord | None) -> RehearsalError:
    reasons = dict(record.pending) if record else {}
    for name, each in record.processes.items() if record else ():
        if each.state != "running":
            reasons[name] = f"{each.state}; {_reason(each)}"
    return RehearsalError(
        what=f"The rehearsal is not healthy after {_LIMIT_S:.0f} s.",
        why="; ".join(f"{name}: {why}" for name, why in reasons.items()) or "no reason is recorded",
        mend="read the log of the first one; stop and start the rehearsal",
        where=layout.logs,
    )


def _reason(process: ProcessRecord) -> str:
    if process.state == "waiting":
        return "waits for others"
    return process.problem or process.last_exit or "no answer yet"
