"""Has actionlint ready, which reads the workflows of CI: from PATH, its own cache, or built."""

import sys
from collections.abc import Callable
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.toolchain.apart import ensure_apart
from rehearsal.toolchain.pins import PathRule, Pin
from rehearsal.toolchain.versions import Version

_VERSION = Version(1, 7, 12)

ACTIONLINT = Pin(
    "actionlint",
    "actionlint",
    "github.com/rhysd/actionlint/cmd/actionlint",
    _VERSION,
    f"-X github.com/rhysd/actionlint.version={_VERSION}",
    30,
    PathRule(("-version",), Version(1, 7, 7), "older ones do not know today's runners"),
)


def ensure_actionlint(report: Callable[[str], None]) -> Path:
    """Return the program, having built it where neither PATH nor its own cache has it.

    Raises RehearsalError where it cannot be had.
    """
    return ensure_apart((ACTIONLINT,), report)[ACTIONLINT.tool]


def main() -> int:
    """Print the program's path, for `make workflows`; return the exit code."""
    try:
        path = ensure_actionlint(_say)
    except RehearsalError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
