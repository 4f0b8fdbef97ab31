"""Stops processes in order, and makes sure that none is left."""

import signal
import time
from collections.abc import Iterable, Sequence

from rehearsal.layout import Layout
from rehearsal.node_agent.leftovers import end_pod_processes
from rehearsal.supervisor.identity import Identity
from rehearsal.supervisor.parts import STOP_ORDER
from rehearsal.supervisor.records import ProcessRecord

_POLL_S = 0.02
# SIGKILL acts at once; a process stuck in the kernel (a hanging disk) does not count as left.
_KILL_WAIT_S = 3.0


def stop_stage(layout: Layout, records: Iterable[ProcessRecord]) -> None:
    """End all processes, and the pods of a node agent that could not end them itself."""
    stop_processes(records)
    end_pod_processes(layout)


def stop_processes(records: Iterable[ProcessRecord]) -> None:
    """End them group by group: SIGTERM, each its grace, SIGKILL."""
    remaining = list(records)
    for names in STOP_ORDER:
        _stop_group([record for record in remaining if record.name in names])
        remaining = [record for record in remaining if record.name not in names]
    _stop_group(remaining)


def stop_process(record: ProcessRecord) -> None:
    """End one process."""
    _stop_group([record])


def _stop_group(records: Sequence[ProcessRecord]) -> None:
    began = time.monotonic()
    for record in records:
        _send(record, signal.SIGTERM)
    waiting = list(records)
    while waiting:
        waited_s = time.monotonic() - began
        for record in waiting:
            if waited_s > record.stop_grace_s:
                _send(record, signal.SIGKILL)
        waiting = [
            record
            for record in waiting
            if is_alive(record) and waited_s < record.stop_grace_s + _KILL_WAIT_S
        ]
        if waiting:
            time.sleep(_POLL_S)


def kill(identities: Sequence[Identity]) -> list[Identity]:
    """SIGKILL all and wait until their ports are free; give those that are still there."""
    for identity in identities:
        identity.send(signal.SIGKILL)
    deadline = time.monotonic() + _KILL_WAIT_S
    while left := [identity for identity in identities if identity.alive]:
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)
    return left


def is_alive(record: ProcessRecord) -> bool:
    return record.identity is not None and record.identity.alive


def _send(record: ProcessRecord, number: signal.Signals) -> None:
    if record.identity is not None:
        record.identity.send(number)
