"""A task that only holds a slot: to try queues, scaling and shutdown with."""

import time
from typing import Annotated

from pydantic import Field

from worker_image.tasks.declare import fleet_task

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


@fleet_task()
def work(seconds: Seconds) -> dict[str, float]:
    """Sleep for so many seconds."""
    started = time.monotonic()
    time.sleep(seconds)
    return {"slept_seconds": round(time.monotonic() - started, 3)}
