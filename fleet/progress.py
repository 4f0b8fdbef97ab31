"""How a long command tells what it does: a line per step with the seconds since its start."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape

_STEP_WIDTH = 14
_HEARTBEAT_S = 10.0
"""Between two lines of a long step where there is no terminal to redraw."""


@dataclass
class Progress:
    """Prints progress lines; on a terminal a running step redraws one line of its own."""

    console: Console
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def elapsed_s(self) -> float:
        return self.clock() - self.started

    def say(self, step: str, message: str) -> None:
        self.console.print(self._line(step, message), highlight=False, soft_wrap=True)

    def reporter(self, step: str) -> Callable[[str], None]:
        """Return a callable that prints its messages under one step."""
        return lambda message: self.say(step, message)

    @contextmanager
    def running(self, step: str) -> Iterator[Callable[[str], None]]:
        """Show the latest message while the body runs, without a line for each."""
        if self.console.is_terminal:
            with self.console.status(self._line(step, "...")) as status:
                yield lambda message: status.update(self._line(step, message))
            return
        last, told = self.clock(), ""

        def tell(message: str) -> None:
            nonlocal last, told
            if message != told and self.clock() - last >= _HEARTBEAT_S:
                last, told = self.clock(), message
                self.say(step, message)

        yield tell

    def _line(self, step: str, message: str) -> str:
        seconds = f"{self.elapsed_s():6.1f} s"
        return f"[dim]{seconds}[/dim]  [bold]{step:<{_STEP_WIDTH}}[/bold] {escape(message)}"
