"""`python -m benchmarks.wild.canaries SECONDS RATE`: sends so many canary tasks a second.

Prints, as JSON, what each waited from being sent to its start, by the worker's word.
"""

import json
import sys
import time

from celery.result import AsyncResult

from worker_image.app import app

_TASK = "worker_image.tasks.canary.probe"
_LAST_S = 120.0


def waits_s(seconds: float, per_s: int) -> list[float]:
    """Send for so long; each task's wait. Raises celery's TimeoutError where one has no result."""
    began, sent = time.monotonic(), []
    for number in range(round(seconds * per_s)):
        time.sleep(max(0.0, began + number / per_s - time.monotonic()))
        sent.append(app.send_task(_TASK, queue="default"))
    return [_wait_s(each) for each in sent]


def _wait_s(task: "AsyncResult[dict[str, float]]") -> float:
    return float(task.get(timeout=_LAST_S)["waited_seconds"])


if __name__ == "__main__":
    app.loader.import_default_modules()
    print(json.dumps(waits_s(float(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201 - told to the benchmark
