"""`python -m rehearsal.toolchain`: has the tools ready and lists them."""

import argparse
import signal
import sys
from types import FrameType

from rehearsal.errors import RehearsalError
from rehearsal.toolchain.ensure import ensure_tools, tool_report, trim
from rehearsal.toolchain.monitoring import ensure_monitoring
from rehearsal.toolchain.workflows import ensure_actionlint

INTERRUPTED = 130
"""What a shell gives for a program that ended on Ctrl-C."""


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.toolchain", description=__doc__)
    parser.add_argument("--trim", action="store_true", help="free Go's caches; keep the tools")
    parser.add_argument("--of-tests", action="store_true", help="also those that tests alone run")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        if arguments.trim:
            trim(_say)
        else:
            ensure_tools(_say)
            _list_tools()
            if arguments.of_tests:
                ensure_monitoring(_say)
                ensure_actionlint(_say)
    except RehearsalError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: what is built is kept, and the next run goes on from it\n")
        return INTERRUPTED
    return 0


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _list_tools() -> None:
    rows = tool_report()
    width = max(len(row.name) for row in rows)
    for row in rows:
        _say(f"{row.name:{width}}  {row.origin:16}  {row.path}")


if __name__ == "__main__":
    sys.exit(main())
