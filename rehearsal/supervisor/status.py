"""What `fleet status` and `fleet doctor` may know of a stage: from files, without asking it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from rehearsal.layout import Layout
from rehearsal.supervisor.identity import Identity
from rehearsal.supervisor.lock import lock_holder
from rehearsal.supervisor.port_choice import read_ports
from rehearsal.supervisor.records import BrokenRecordError, ProcessRecord, StageRecord, read_record
from rehearsal.supervisor.state_files import lock_file, ports_file

_MIB = 1024 * 1024


@dataclass(frozen=True)
class ProcessStatus:
    """One process; `pid` is None while it does not run."""

    name: str
    pid: int | None
    state: str
    started: dt.datetime | None
    restarts: int
    last_exit: str | None
    log: Path
    rss_mib: int
    problem: str | None = None


@dataclass(frozen=True)
class RehearsalStatus:
    """A stage; `supervisor` is the pid, None when none runs."""

    supervisor: int | None
    healthy: bool = False
    processes: tuple[ProcessStatus, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    broker: str = ""
    problem: str | None = None


def read_status(layout: Layout) -> RehearsalStatus:
    """Read the record and the process table; a broken record is a problem, not an error."""
    supervisor = lock_holder(lock_file(layout))
    pid = None if supervisor is None else supervisor.pid
    ports = read_ports(ports_file(layout))
    try:
        record = read_record(layout)
    except BrokenRecordError as error:
        return RehearsalStatus(pid, ports=ports, problem=f"processes.json: {error}")
    if record is None:
        return RehearsalStatus(pid, ports=ports)
    supervised = pid is not None
    processes = tuple(_process(each, supervised=supervised) for each in record.processes.values())
    return RehearsalStatus(
        supervisor=pid,
        healthy=record.healthy and pid is not None and all(each.pid for each in processes),
        processes=processes,
        ports=ports,
        broker=record.broker,
        problem=_problem(record, pid),
    )


def _problem(record: StageRecord, supervisor: int | None) -> str | None:
    if record.problem is not None:
        return str(record.problem.error())
    if supervisor is None:
        return "no supervisor runs, though the stage was not stopped"
    return "; ".join(f"{name}: {why}" for name, why in record.pending.items()) or None


def _process(record: ProcessRecord, *, supervised: bool) -> ProcessStatus:
    identity = record.identity if record.identity and record.identity.alive else None
    # Without a supervisor, the recorded state of a process that is gone is history.
    known = supervised and record.identity is None
    started = None
    if record.started is not None:
        started = dt.datetime.fromtimestamp(record.started, tz=dt.UTC)
    return ProcessStatus(
        name=record.name,
        pid=identity.pid if identity else None,
        state=record.state if identity or known else "not running",
        started=started,
        restarts=record.restarts,
        last_exit=record.last_exit,
        log=record.log,
        rss_mib=_rss_mib(identity),
        problem=record.problem,
    )


def _rss_mib(identity: Identity | None) -> int:
    if identity is None:
        return 0
    try:
        return int(psutil.Process(identity.pid).memory_info().rss / _MIB)
    except psutil.Error:
        return 0
