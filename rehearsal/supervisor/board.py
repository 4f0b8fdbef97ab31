"""The state that all parts share: who is well, what is written down, what is told."""

import asyncio
import contextlib
import logging
import os
from pathlib import Path

from rehearsal.control_plane.ports import Ports
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.supervisor.news import add_news
from rehearsal.supervisor.records import Problem, StageRecord, write_record
from rehearsal.supervisor.state_files import news_file, processes_file

_LOG = logging.getLogger(__name__)
_WRITE_AT_MOST_EVERY_S = 0.05
_LOOK_EVERY_S = 2.0


class Gate:
    """Open while a part is well; others wait for either change."""

    def __init__(self) -> None:
        self._opened, self._closed = asyncio.Event(), asyncio.Event()
        self._closed.set()

    @property
    def is_open(self) -> bool:
        return self._opened.is_set()

    def set(self, *, is_open: bool) -> None:
        now, before = self._opened, self._closed
        if not is_open:
            now, before = before, now
        now.set()
        before.clear()

    async def opened(self) -> None:
        await self._opened.wait()

    async def closed(self) -> None:
        await self._closed.wait()


class Board:
    """Holds the record and one gate a part; writes the record whenever it changed."""

    def __init__(self, layout: Layout, record: StageRecord, ports: Ports, names: list[str]) -> None:
        self.layout = layout
        self.ports = ports
        self.record = record
        self.gates = {name: Gate() for name in names}
        self.failed = asyncio.Event()
        self._changed = asyncio.Event()
        self._written: os.stat_result | None = None

    async def wait_for(self, names: tuple[str, ...]) -> None:
        """Wait until all of them are well at the same time."""
        while not all(self.gates[name].is_open for name in names):
            for name in names:
                await self.gates[name].opened()

    def set_gate(self, name: str, *, is_open: bool) -> None:
        """Say that a part is well or not; the stage is healthy when all are."""
        if self.gates[name].is_open != is_open:
            _LOG.info("%s is %s", name, "well" if is_open else "not well")
        self.gates[name].set(is_open=is_open)
        self.record.healthy = all(gate.is_open for gate in self.gates.values())
        if self.record.healthy:
            self.record.phase, self.record.problem = "running", None
        self.changed()

    def fail(self, error: RehearsalError) -> None:
        """Say that the stage does not get healthy by trying again."""
        _LOG.error("%s", error)
        self.record.problem = Problem.of(error)
        self.failed.set()
        self.changed()

    def tell(self, text: str, process: str | None = None, log: Path | None = None) -> None:
        """Leave an item for the next command."""
        _LOG.warning("%s: %s", process or "stage", text)
        try:
            add_news(news_file(self.layout), text, process, log)
        except OSError:
            _LOG.exception("the news above cannot be written")

    def changed(self) -> None:
        self._changed.set()

    def write(self) -> None:
        """Write the record now; a full disk is logged and does not end the supervisor."""
        try:
            write_record(self.layout, self.record)
            self._written = processes_file(self.layout).stat()
        except (RehearsalError, OSError) as error:
            # Tried again with the next look.
            self._written = None
            _LOG.error("%s", error)

    async def keep_written(self) -> None:
        """Write after each change, gathering close ones; mend the file when another wrote it."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _LOOK_EVERY_S)
            if self._changed.is_set() or not self._is_as_written():
                self._changed.clear()
                await asyncio.to_thread(self.write)
            await asyncio.sleep(_WRITE_AT_MOST_EVERY_S)

    def _is_as_written(self) -> bool:
        try:
            found = processes_file(self.layout).stat()
        except OSError:
            return False
        written = self._written
        return written is not None and (found.st_ino, found.st_mtime_ns) == (
            written.st_ino,
            written.st_mtime_ns,
        )
