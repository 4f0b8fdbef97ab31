"""What a preview's Pulumi fails of, in its own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pulumi.automation import CommandError, ConcurrentUpdateError, StackNotFoundError

from fleet.previews import held
from rehearsal.errors import RehearsalError

_TOLD_LINES = 15
_WRONG, _MADE = "Diagnostics:", "Resources:"
# It warns so of every plugin of the rehearsal, at each use.
_FROM_PATH = " from $PATH at "


@contextmanager
def telling(what: str, stack: str = "") -> Iterator[None]:
    """Tell a failure of Pulumi's; a stack that is missing passes through.

    Raises:
        RehearsalError: from any other failure of its commands.

    """
    try:
        yield
    except StackNotFoundError:
        raise
    except ConcurrentUpdateError as error:
        raise held.refusal(stack, _tail(error), datetime.now(UTC)) from error
    except CommandError as error:
        raise RehearsalError(
            what=f"{what} failed",
            why=_tail(error),
            mend="mend what it names, then run the same command again: it goes on from there",
        ) from error


def _tail(error: CommandError) -> str:
    """What went wrong, where Pulumi says it in a section of its own; else the last it said."""
    lines = [line for line in str(error).splitlines() if line.strip() and _FROM_PATH not in line]
    headings = [line.strip() for line in lines]
    if _WRONG in headings:
        begin = headings.index(_WRONG) + 1
        end = headings.index(_MADE, begin) if _MADE in headings[begin:] else len(lines)
        lines = lines[begin:end]
    return "\n".join(lines[-_TOLD_LINES:])
