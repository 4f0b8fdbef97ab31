"""The supervisor at work: keeps all parts of a stage until it is told how to end."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from rehearsal.supervisor.board import Board
from rehearsal.supervisor.deed_loop import DeedLoop
from rehearsal.supervisor.keeper import Keeper
from rehearsal.supervisor.parts import Part
from rehearsal.supervisor.state_files import log_file, processes_file
from rehearsal.supervisor.stopping import stop_stage

_LOG = logging.getLogger(__name__)
# A check may hang for its timeout; the others shall not wait for it.
_THREADS = 16

Ending = Literal["stop", "hand over", "failure"]

_SIGNALS: dict[signal.Signals, Ending] = {
    signal.SIGTERM: "stop",
    signal.SIGINT: "stop",
    # The processes live on; the next supervisor adopts those that are up to date.
    signal.SIGHUP: "hand over",
}


@dataclass
class Daemon:
    """Runs all parts; one use only."""

    board: Board
    parts: list[Part]

    async def run(self) -> int:
        """Work until a signal or a hopeless start; give the exit code."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS))
        signalled: asyncio.Future[Ending] = loop.create_future()
        for number, ending in _SIGNALS.items():
            loop.add_signal_handler(number, _settle, signalled, ending)
        work = [asyncio.create_task(each) for each in self._work()]
        # A bug in one of them must not pass unseen: whichever ends first decides.
        ends: list[asyncio.Future[Any]] = [signalled, *work]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in work:
            task.cancel()
        results = await asyncio.gather(*work, return_exceptions=True)
        _log_bugs(results)
        return await self._finish(signalled.result() if signalled.done() else "failure")

    def _work(self) -> list[Coroutine[None, None, None]]:
        layout = self.board.layout
        work = [self.board.keep_written(), self._hopeless()]
        for part in self.parts:
            if part.program is None:
                work.append(DeedLoop(part, self.board).keep())
            else:
                log = log_file(layout, part.name)
                work.append(Keeper(part, part.program, self.board, log).keep())
        return work

    async def _hopeless(self) -> None:
        """End when a first start fails for good; a stage that once ran is kept."""
        while True:
            await self.board.failed.wait()
            self.board.failed.clear()
            if self.board.record.phase == "starting":
                return

    async def _finish(self, ending: Ending) -> int:
        _LOG.info("ending: %s", ending)
        record = self.board.record
        if ending == "hand over":
            record.phase = "handed over"
            self.board.write()
            return 0
        record.phase, record.healthy = "stopping", False
        self.board.write()
        processes = list(record.processes.values())
        await asyncio.to_thread(stop_stage, self.board.layout, processes)
        if ending == "stop":
            processes_file(self.board.layout).unlink(missing_ok=True)
            return 0
        record.phase = "failed"
        self.board.write()
        return 1


def _settle(future: "asyncio.Future[Ending]", ending: Ending) -> None:
    if not future.done():
        future.set_result(ending)


def _log_bugs(results: list[BaseException | None]) -> None:
    for result in results:
        if isinstance(result, Exception):
            _LOG.error("the supervisor itself failed", exc_info=result)
