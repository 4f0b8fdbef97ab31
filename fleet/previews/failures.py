"""What a preview's Pulumi fails of, in its own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pulumi.automation import CommandError, ConcurrentUpdateError, StackNotFoundError

from fleet.previews import held
from rehearsal.errors import RehearsalError

_TOLD_LINES = 15


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
    lines = [line for line in str(error).splitlines() if line.strip()]
    return "\n".join(lines[-_TOLD_LINES:])
