"""Which process is meant, beyond its pid: pids are used again, a start time is not."""

import contextlib
import os
import signal
from pathlib import Path

from pydantic import BaseModel, ConfigDict

# Fields of /proc/<pid>/stat after the name in brackets (proc_pid_stat(5)), from zero.
_STATE, _THREADS, _START_TICKS = 0, 17, 19
_GONE = frozenset({"Z", "X"})


class Identity(BaseModel):
    """One process of one boot of this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pid: int
    start_ticks: int
    """Clock ticks since boot, exact where `create_time` shifts when the clock is set."""
    boot: str

    @property
    def alive(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        fields = _stat(self.pid)
        return (
            fields is not None
            and not _has_ended(fields)
            and int(fields[_START_TICKS]) == self.start_ticks
            and self.boot == boot()
        )

    def send(self, number: signal.Signals) -> None:
        """Signal this very process; nothing happens when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(self.pid)
            try:
                # Checked after opening: the descriptor then names the process that was checked.
                if self.alive:
                    signal.pidfd_send_signal(descriptor, number)
            finally:
                os.close(descriptor)


def identify(pid: int) -> Identity | None:
    """Give the identity of a running process; None when it is gone."""
    fields = _stat(pid)
    if fields is None:
        return None
    return Identity(pid=pid, start_ticks=int(fields[_START_TICKS]), boot=boot())


def boot() -> str:
    """Name this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _has_ended(fields: list[str]) -> bool:
    # While threads of a killed process still end, its ports are not free yet.
    return fields[_STATE] in _GONE and int(fields[_THREADS]) <= 1


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
