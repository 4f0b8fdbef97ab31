"""One container of a pod: started, attended, started again, and ended."""

import asyncio
import time

from rehearsal.node_agent.model.pod import Container
from rehearsal.node_agent.pods.attendance import Attendance
from rehearsal.node_agent.pods.handle import ContainerHandle
from rehearsal.node_agent.pods.members import end_members
from rehearsal.node_agent.pods.process import LocalProcess
from rehearsal.node_agent.pods.runtime import PodRuntime
from rehearsal.node_agent.pods.starting import Starter
from rehearsal.node_agent.rules.ends import run_ended
from rehearsal.node_agent.rules.records import Running, Terminated

_NO_SESSION = -2


class ContainerRunner:
    """Runs one container until it is over: it has ended for good, or its pod stops."""

    def __init__(self, container: Container, runtime: PodRuntime) -> None:
        self._handle = ContainerHandle(container, runtime)
        self._starter = Starter(self._handle)

    @property
    def succeeded(self) -> bool:
        state = self._handle.record.state
        return isinstance(state, Terminated) and state.exit_code == 0

    async def run(self) -> None:
        process = await self._left_running()
        while process or not self._handle.is_over:
            process = process or await self._starter.start()
            if process:
                await self._attend(process)
                process = None

    async def _attend(self, process: LocalProcess) -> None:
        attendance = Attendance(self._handle, process)
        async with asyncio.TaskGroup() as duties:
            tasks = [
                duties.create_task(attendance.probe()),
                duties.create_task(attendance.end_when_asked()),
            ]
            code = await process.exited()
            for task in tasks:
                task.cancel()
        # A container's processes end with its main one.
        await end_members(process.pid, self._handle.mark)
        self._ended(code)

    async def _left_running(self) -> LocalProcess | None:
        """The process that an earlier agent left running, which this one takes over."""
        state = self._handle.record.state
        if isinstance(state, Running):
            process = LocalProcess.adopt(state.pid, state.create_time)
            if process:
                return process
            await end_members(state.pid, self._handle.mark)
            self._ended(None)
        elif self._handle.runtime.adopted:
            # The earlier agent may have been killed between a start and its record.
            await end_members(_NO_SESSION, self._handle.mark)
        return None

    def _ended(self, code: int | None) -> None:
        record = self._handle.record
        self._handle.record = record.ends(run_ended(record, code, time.time()))
