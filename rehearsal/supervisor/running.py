"""One running process, started by this supervisor or by an earlier one."""

import asyncio
import os
import signal
import subprocess
from dataclasses import dataclass

from rehearsal.supervisor.identity import Identity
from rehearsal.supervisor.spawning import describe_exit


@dataclass(frozen=True)
class Running:
    """A process to wait for; `child` is None for one that was adopted."""

    identity: Identity
    child: subprocess.Popen[bytes] | None = None

    async def gone(self) -> str:
        """Wait for its end without polling; say how it ended."""
        try:
            descriptor = os.pidfd_open(self.identity.pid)
        except ProcessLookupError:
            return self._exit()
        try:
            if self.identity.alive:
                await _readable(descriptor)
        finally:
            os.close(descriptor)
        return self._exit()

    def kill(self) -> None:
        self.identity.send(signal.SIGKILL)

    def _exit(self) -> str:
        return describe_exit(None if self.child is None else self.child.wait())


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
