"""Does a deed once what it needs is well, and again after that was restarted."""

import asyncio
from dataclasses import dataclass

from rehearsal.supervisor.board import Board
from rehearsal.supervisor.parts import Part
from rehearsal.supervisor.watch import ask

_RETRY_S = 0.1


@dataclass
class DeedLoop:
    """Owns one deed."""

    part: Part
    board: Board

    async def keep(self) -> None:
        """Run until cancelled."""
        while True:
            await self.board.wait_for(self.part.after)
            await self._do()
            await self._until_undone()

    async def _do(self) -> None:
        while problem := await ask(self._deed):
            await self._miss(problem)
        while problem := await ask(self.part.check):
            await self._miss(problem)
        self.board.record.pending.pop(self.part.name, None)
        self.board.set_gate(self.part.name, is_open=True)

    async def _miss(self, problem: str) -> None:
        if self.board.record.pending.get(self.part.name) != problem:
            self.board.record.pending[self.part.name] = problem
            self.board.changed()
        await asyncio.sleep(_RETRY_S)

    async def _until_undone(self) -> None:
        gates = [self.board.gates[name] for name in self.part.after]
        closings = [asyncio.create_task(gate.closed()) for gate in gates]
        try:
            await asyncio.wait(closings, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for closing in closings:
                closing.cancel()
        self.board.set_gate(self.part.name, is_open=False)

    def _deed(self) -> None:
        self.part.deed()
