"""Keeps one program running: adopts or starts it, watches it, starts it again."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.control_plane.program import Program
from rehearsal.errors import RehearsalError
from rehearsal.supervisor.board import Board
from rehearsal.supervisor.diagnosis import why_down
from rehearsal.supervisor.identity import identify
from rehearsal.supervisor.parts import Part
from rehearsal.supervisor.records import ProcessRecord, ProcessState
from rehearsal.supervisor.running import Running
from rehearsal.supervisor.spawning import fingerprint, spawn
from rehearsal.supervisor.stopping import stop_process
from rehearsal.supervisor.watch import Watch, ask

_FIRST_BACK_OFF_S, _LAST_BACK_OFF_S = 0.2, 30.0
# One failure may be a race for a port, a second one bad luck.
_HOPELESS_AFTER = 3
_STABLE_AFTER_S = 10.0


def back_off_s(failures: int) -> float:
    """Seconds to wait before the next start, after `failures` in a row without health."""
    return float(min(_LAST_BACK_OFF_S, _FIRST_BACK_OFF_S * 2 ** min(failures, 10)))


@dataclass
class Keeper:
    """Owns the process of one part."""

    part: Part
    program: Program
    board: Board
    log: Path
    _failures: int = field(default=0, init=False)
    """Ends in a row without being well for a while in between."""
    _well_since: float | None = field(default=None, init=False)

    @property
    def _record(self) -> ProcessRecord:
        return self.board.record.processes[self.part.name]

    async def keep(self) -> None:
        """Run until cancelled; the process itself outlives a cancellation."""
        running = await self._adopt()
        while True:
            running = running or await self._start()
            if running is not None:
                await self._until_gone(running)
            await asyncio.sleep(back_off_s(self._failures))
            running = None

    async def _adopt(self) -> Running | None:
        """Take over a living process of an earlier supervisor, if it is up to date."""
        record = self._record
        found, wanted = record.identity, fingerprint(self.program)
        outdated, record.fingerprint = record.fingerprint != wanted, wanted
        if found is None or not found.alive:
            return None
        if not outdated:
            record.state = "starting"
            return Running(found)
        await asyncio.to_thread(stop_process, record)
        record.identity = None
        return None

    async def _start(self) -> Running | None:
        await self.board.wait_for(self.part.after)
        record = self._record
        record.fingerprint = fingerprint(self.program)
        try:
            child = await asyncio.to_thread(spawn, self.program, self.log)
        except RehearsalError as error:
            self._failures += 1
            self._set("backing off", error.why)
            self._give_up_if_hopeless(error)
            return None
        record.identity, record.started = identify(child.pid), time.time()
        self._set("starting", None)
        if record.identity is None:
            raise RuntimeError("a child that was not waited for has no entry in /proc")
        return Running(record.identity, child)

    async def _until_gone(self, running: Running) -> None:
        gone = asyncio.create_task(running.gone())
        watch = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({gone, watch}, return_when=asyncio.FIRST_COMPLETED)
            reason = None
            if not gone.done():
                reason = f"did not answer and was killed: {watch.result()}"
                running.kill()
            ended = await gone
        finally:
            gone.cancel()
            watch.cancel()
        self._bury(reason or ended)

    async def _watch(self) -> str:
        """Ask for its health until it is beyond hope; say what was wrong last."""
        watch = Watch()
        while True:
            problem = await ask(self.part.check)
            excused = not all(self.board.gates[name].is_open for name in self.part.after)
            verdict = watch.note(problem, time.monotonic(), excused=excused)
            if problem is not None and verdict == "beyond hope":
                return problem
            self._show(verdict, problem)
            await asyncio.sleep(watch.pause_s)

    def _show(self, verdict: str, problem: str | None) -> None:
        gate = self.board.gates[self.part.name]
        if verdict == "well" and not gate.is_open:
            self._well_since = time.monotonic()
            self._set("running", None)
        elif verdict == "unwell" and self._record.problem != problem:
            self._set("unhealthy" if self._record.state != "starting" else "starting", problem)

    def _bury(self, ended: str) -> None:
        record = self._record
        record.identity, record.last_exit = None, ended
        record.restarts += 1
        self._failures = 1 if self._was_stable() else self._failures + 1
        self._set("backing off", ended)
        self.board.tell(ended, self.part.name, self.log)
        self._give_up_if_hopeless(why_down(self.part.name, ended, self.board.ports, self.log))

    def _was_stable(self) -> bool:
        since, self._well_since = self._well_since, None
        return since is not None and time.monotonic() - since > _STABLE_AFTER_S

    def _give_up_if_hopeless(self, error: RehearsalError) -> None:
        if self._failures >= _HOPELESS_AFTER:
            self.board.fail(error)

    def _set(self, state: ProcessState, problem: str | None) -> None:
        self._record.state, self._record.problem = state, problem
        self.board.set_gate(self.part.name, is_open=state == "running")
