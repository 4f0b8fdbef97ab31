"""Every failure ends here: told once on stderr, exit 1, the traceback in a log."""

import errno
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from fleet import project
from rehearsal.errors import RehearsalError

INTERRUPTED = 130
_SPACE = "free some space, or put the state elsewhere with CELERY_FLEET_STATE"
_RIGHTS = "give yourself the rights, or put the state elsewhere with CELERY_FLEET_STATE"
_MENDS = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EACCES: _RIGHTS,
    errno.EROFS: _RIGHTS,
}


class ToldGroup(TyperGroup):
    """The commands' group; turns whatever a command raises into one message."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Click's context is private in Typer
        with told(Console(stderr=True)):
            return super().invoke(ctx)


@contextmanager
def told(console: Console) -> Iterator[None]:
    """Print an exception and exit with its code; Typer's own pass through."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except RehearsalError as error:
        console.print(Text(f"error: {error}", style="red"), soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("interrupted", style="yellow")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        raise typer.Exit(1) from None
    except OSError as error:
        refused = of_the_machine(error)
        line = _unexpected(error) if refused is None else f"error: {refused}"
        console.print(Text(line, style="red"), soft_wrap=True)
        raise typer.Exit(1) from None
    except Exception as error:
        if type(error).__module__.startswith(("typer", "click")):
            raise
        console.print(Text(_unexpected(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from None


def of_the_machine(error: OSError) -> RehearsalError | None:
    """Tell a full disk and missing rights as such; None for what is no fault of the machine."""
    if error.errno not in _MENDS:
        return None
    return RehearsalError(
        what=f"a file cannot be written: {error.strerror}",
        why="the operating system refused it",
        mend=_MENDS[error.errno],
        where=error.filename,
    )


def _unexpected(error: Exception) -> str:
    """One line about a fault of this program, with the log that has the traceback."""
    line = f"error: {type(error).__name__}: {error}"
    try:
        log = project.find().logs / "fleet.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write(f"{datetime.now().astimezone().isoformat()}\n{traceback.format_exc()}\n")
    except (OSError, RehearsalError):
        return f"{line}\n{traceback.format_exc()}"
    return f"{line}\n  this is a fault of fleet itself; traceback: {log}"


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
