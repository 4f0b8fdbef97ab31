"""One local process: started by this agent, or adopted from the agent that ran before it."""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from typing import IO, Self

import psutil

from rehearsal.node_agent.rules.launch import Launch

# psutil derives the creation time from the boot time, which clock adjustments move a little.
_SAME_CREATION_S = 2.0

_own_children: set[int] = set()
"""Processes whose exit status somebody waits for; nobody else may reap them."""


def awaited_children() -> frozenset[int]:
    return frozenset(_own_children)


class LocalProcess:
    """A process that is watched through a pidfd, so that a reused pid is never mistaken for it."""

    def __init__(self, pid: int, pidfd: int, child: subprocess.Popen[bytes] | None) -> None:
        self.pid = pid
        self.create_time = 0.0
        self._pidfd = pidfd
        self._child = child
        loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[int | None] = loop.create_future()
        loop.add_reader(pidfd, self._on_exit)

    @classmethod
    def start(cls, launch: Launch, output: int | IO[bytes]) -> Self:
        """Start a command in a session of its own.

        `OSError` if it cannot be executed; `filename` says what was not found.
        """
        child = subprocess.Popen(
            launch.argv,
            cwd=launch.working_dir,
            env=dict(launch.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        _own_children.add(child.pid)
        process = cls(child.pid, os.pidfd_open(child.pid), child)
        process.create_time = psutil.Process(child.pid).create_time()
        return process

    @classmethod
    def adopt(cls, pid: int, create_time: float) -> Self | None:
        """The process that another agent started; None if it runs no more."""
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            return None
        # Checked once the pidfd holds on to the process: the pid cannot change hands any more.
        if not _is_same(pid, create_time):
            os.close(pidfd)
            return None
        process = cls(pid, pidfd, None)
        process.create_time = create_time
        return process

    async def exited(self) -> int | None:
        """The exit code, negative for a signal; None if it was another agent's child."""
        return await asyncio.shield(self._exit)

    async def exits_within(self, seconds: float) -> bool:
        await asyncio.wait([self._exit], timeout=max(0.0, seconds))
        return self._exit.done()

    def send(self, number: signal.Signals) -> None:
        """Signal the main process alone, as a kubelet signals PID 1 and not its children."""
        # It may have ended a moment ago, unseen as yet.
        with suppress(ProcessLookupError):
            if not self._exit.done():
                signal.pidfd_send_signal(self._pidfd, number)

    def _on_exit(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        code = self._child.wait() if self._child else None
        _own_children.discard(self.pid)
        self._exit.set_result(code)


def _is_same(pid: int, create_time: float) -> bool:
    with suppress(psutil.Error):
        found = psutil.Process(pid)
        if found.status() != psutil.STATUS_ZOMBIE:
            return abs(found.create_time() - create_time) < _SAME_CREATION_S
    return False
