"""A Celery app as its first tutorial has it: default settings, and the fleet's task."""

import os
import time

from celery import Celery

from benchmarks.image import probe

app = Celery(
    "plain",
    broker=os.environ["CELERY_BROKER_URL"],
    backend=os.environ["CELERY_RESULT_BACKEND"],
)
probe.connect()


@app.task(name="worker_image.tasks.canary.work")  # type: ignore[untyped-decorator]  # Celery has no types
def work(seconds: float) -> dict[str, float]:
    """Sleep for so many seconds, as the fleet's task of this name does."""
    started = time.monotonic()
    time.sleep(seconds)
    return {"slept_seconds": round(time.monotonic() - started, 3)}
