"""`python -m benchmarks.wild.flood MESSAGES`: sends tasks by the image's own publisher.

Prints, as JSON, how many were sent and how many were refused because their queue was full.
"""

import json
import sys

from worker_image.app import app
from worker_image.room import QueueFullError

_TASK = "worker_image.tasks.canary.work"


def flood(messages: int) -> dict[str, int]:
    """Try so many; each is sent or refused."""
    told = {"sent": 0, "refused": 0}
    for _ in range(messages):
        try:
            app.send_task(_TASK, kwargs={"seconds": 0}, queue="default")
        except QueueFullError:
            told["refused"] += 1
        else:
            told["sent"] += 1
    return told


if __name__ == "__main__":
    app.loader.import_default_modules()
    print(json.dumps(flood(int(sys.argv[1]))))  # noqa: T201 - told to the benchmark
