"""Says how far a build is: one living line on a terminal, a line every 30 s elsewhere."""

import time
from collections.abc import Callable
from typing import TextIO

HEARTBEAT_S = 30
"""Longest silence where there is no terminal: a CI log shows that the build lives."""

_ERASE_LINE = "\r\x1b[2K"


def clock(seconds: float) -> str:
    """Return a duration as people say it: `47 s`, `2 min 51 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Progress:
    """Tells the steps of a build; each takes a start, any number of ticks and an end."""

    def __init__(
        self,
        report: Callable[[str], None],
        terminal: TextIO | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._terminal = terminal
        self._now = now
        self._started = self._spoke = now()
        self._label = ""
        self._expected_s = 0

    def start(self, label: str, expected_s: int) -> None:
        """Open a step, with the seconds that it took where it was measured."""
        self._started = self._spoke = self._now()
        self._label, self._expected_s = label, expected_s
        if self._terminal:
            self.tick()
        else:
            self._report(f"{label}: building, about {clock(expected_s)}")

    def tick(self) -> None:
        """Show the elapsed time; call it about once a second."""
        line = f"{self._label}: {clock(self.elapsed_s)} of about {clock(self._expected_s)}"
        if self._terminal:
            self._terminal.write(f"{_ERASE_LINE}{line}")
            self._terminal.flush()
        elif self._now() - self._spoke >= HEARTBEAT_S:
            self._spoke = self._now()
            self._report(line)

    def end(self, outcome: str) -> None:
        """Close the step with what became of it and the time it took."""
        self.clear()
        self._report(f"{self._label}: {outcome} in {clock(self.elapsed_s)}")

    def clear(self) -> None:
        """Leave the terminal without the living line."""
        if self._terminal:
            self._terminal.write(_ERASE_LINE)
            self._terminal.flush()

    @property
    def elapsed_s(self) -> float:
        return self._now() - self._started
