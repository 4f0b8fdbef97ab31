"""Judges a process by its health checks: how often to ask, and when to lose patience."""

import asyncio
from dataclasses import dataclass
from typing import Literal

import httpx

from rehearsal.supervisor.parts import Check

Verdict = Literal["well", "unwell", "beyond hope"]

_PAUSE_STARTING_S, _PAUSE_UNWELL_S, _PAUSE_WELL_S = 0.1, 1.0, 5.0
# One miss happens on a machine that builds something; two in a row are shown.
_SHOWN_AFTER_MISSES = 2
# A process that answers again within it was only slow.
_PATIENCE_S = 30.0
# The slowest start measured on two busy cores was 15 s.
_START_PATIENCE_S = 60.0


@dataclass
class Watch:
    """The history of one process's checks; `now` is monotonic, in seconds."""

    pause_s: float = _PAUSE_STARTING_S
    """Until the next check."""
    _was_well: bool = False
    _misses: int = 0
    _since: float | None = None
    """When the present run of misses began."""

    def note(self, problem: str | None, now: float, *, excused: bool = False) -> Verdict:
        """Take in one answer; `excused` is one whose cause lies with another process."""
        if problem is None:
            self._was_well, self._misses, self._since = True, 0, None
            self.pause_s = _PAUSE_WELL_S
            return "well"
        self._misses += 1
        self._since = now if self._since is None or excused else self._since
        self.pause_s = _PAUSE_UNWELL_S if self._was_well else _PAUSE_STARTING_S
        patience_s = _PATIENCE_S if self._was_well else _START_PATIENCE_S
        if now - self._since > patience_s:
            return "beyond hope"
        return "well" if self._was_well and self._misses < _SHOWN_AFTER_MISSES else "unwell"


async def ask(check: Check) -> str | None:
    """Run a check beside the event loop; a failure to ask is an answer, too."""
    try:
        return await asyncio.to_thread(check)
    except (httpx.HTTPError, OSError) as error:
        return str(error) or type(error).__name__
