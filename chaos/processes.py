"""Processes of a run: each leads a group of its own, so that a fault hits all of it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rehearsal.supervisor import client as supervisor

T = TypeVar("T")
_LOOK_S = 0.05
# Programs of this package are run by module name.
_CHECKOUT = Path(__file__).resolve().parents[1]


def wait_for(look: Callable[[], T | None], within_s: float, what: str) -> T:
    """Look until there is something.

    Raises:
        TimeoutError: there is nothing; it names what was waited for.

    """
    deadline = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:g} s: {what}")
        time.sleep(_LOOK_S)
    return found


@contextmanager
def frozen(rehearsal: Path, program: str) -> Iterator[None]:
    """Stop a program of a rehearsal, and its supervisor, which would start another."""
    found = supervisor.status(rehearsal)
    pids = [each.pid for each in found.processes if each.name == program]
    hit = [pid for pid in (found.supervisor, *pids) if pid is not None]
    for pid in hit:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(hit):
            os.kill(pid, signal.SIGCONT)


@dataclass
class Group:
    """A process and all that it starts."""

    process: subprocess.Popen[bytes]

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self.process.poll()

    def signal(self, number: int) -> None:
        """Send a signal to every process of it; none is there any more where it has ended."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def kill(self) -> None:
        """SIGKILL all of it, and take its end."""
        self.signal(signal.SIGKILL)
        self.process.wait()


@dataclass
class Processes:
    """All that one run started."""

    folder: Path
    """Of their logs, and of all else that they write."""
    started: list[Group] = field(default_factory=list)
    _over: bool = False

    def start(self, name: str, *command: str, env: Mapping[str, str], pipes: bool = False) -> Group:
        """Start one; its output goes to a log of its name, or with `pipes` its errors alone.

        Raises:
            RuntimeError: the run is over; a process started now would outlive it.

        """
        if self._over:
            raise RuntimeError(f"the run is over: {name} is not started")
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=_CHECKOUT,
                # A worker that is killed leaves what it has put there.
                env={**env, "TMPDIR": str(self.folder)},
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else log,
                stderr=log,
                start_new_session=True,
            )
        group = Group(process)
        self.started.append(group)
        return group

    def stop(self) -> None:
        """Kill all that still runs, and let nothing start any more."""
        self._over = True
        for group in self.started:
            group.kill()
        self.started.clear()
