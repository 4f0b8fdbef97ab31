"""A task through a preview: sent as soon as its API is there, waited for to its end."""

import time

from benchmarks.previews.stage import Stage
from chaos.processes import wait_for
from fleet import api_client

TASK = "worker_image.tasks.canary.work"
_LIMIT_S = 90.0


def first_task(stage: Stage, preview: str) -> float:
    """Return the seconds from sending a task to its end.

    Raises:
        TimeoutError: it was not done in time, or not well.

    """
    began = time.monotonic()
    api = api_client.connect(stage.cluster, preview)
    try:
        task = api.create(TASK, {"seconds": 0.05}, queue="scraping")
        what = f"a task of {preview} is done"
        wait_for(lambda: api.result(task).status == "completed", _LIMIT_S, what)
    finally:
        api.close()
    return time.monotonic() - began
