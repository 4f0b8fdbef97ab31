"""The task that valid messages ask for; each run of it is a line in a file."""

import os
from pathlib import Path

from celery import current_task

from worker_image.tasks.declare import fleet_task

TASK = "chaos.fuzz.valid"
RUNS_VARIABLE = "CHAOS_FUZZ_RUNS"


@fleet_task(name=TASK)
def valid(number: int) -> int:
    """Return a number that tells this task's result from any other's."""
    line = f"{current_task.request.id}\n".encode()
    # One write to a file that is only appended to mixes with no other process's.
    opened = os.open(Path(os.environ[RUNS_VARIABLE]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(opened, line)
    finally:
        os.close(opened)
    return expected(number)


def expected(number: int) -> int:
    """Return the task's result."""
    return 2 * number + 1
