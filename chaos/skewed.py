"""Celery's command with a clock that is wrong: `time.time` is shifted, before anything else loads.

Instead of a second machine, or of libfaketime, which is seldom installed. The ledger's times are
read past it.
"""

import os
import sys
import time

OFFSET_VARIABLE = "CHAOS_CLOCK_OFFSET_S"


def main() -> None:
    """Shift, then run celery."""
    offset_s, right = float(os.environ.get(OFFSET_VARIABLE, "0")), time.time
    if offset_s:
        time.time = lambda: right() + offset_s
    from celery.__main__ import main as celery  # noqa: PLC0415 - after the shift

    sys.exit(celery())


if __name__ == "__main__":
    main()
