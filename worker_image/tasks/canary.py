"""Tasks that do no work of their own: to try queues, scaling and shutdown with."""

import time
from hashlib import sha256
from typing import Annotated

from celery import current_task
from pydantic import Field

from worker_image.stats import waited_s
from worker_image.tasks.declare import fleet_task

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]

# About 10 ms of one core; a pod that is throttled shows it.
_HASHED = bytes(64 * 1024)
_ROUNDS = 64


@fleet_task()
def work(seconds: Seconds) -> dict[str, float]:
    """Sleep for so many seconds."""
    started = time.monotonic()
    time.sleep(seconds)
    return {"slept_seconds": round(time.monotonic() - started, 3)}


@fleet_task()
def probe() -> dict[str, str | float | None]:
    """Tell which worker ran this, after what wait, and how long a few milliseconds' work took.

    Its wait is no task's: it is counted in none of its queue's waits. `fleet smoke` sends it.
    """
    started, at = time.monotonic(), time.time()
    digest = sha256()
    for _ in range(_ROUNDS):
        digest.update(_HASHED)
    request = current_task.request
    wait_s = waited_s(request, at)
    return {
        "worker": str(request.hostname),
        "waited_seconds": None if wait_s is None else round(wait_s, 3),
        "ran_seconds": round(time.monotonic() - started, 3),
    }
