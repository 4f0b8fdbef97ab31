"""What is asked of a preview that is up: a task through it, and how many objects it is."""

import json
import time
from typing import Any

from benchmarks.previews.stage import Stage
from chaos.processes import wait_for
from fleet import api_client
from fleet.project import PROJECT_NAME

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


def objects(stage: Stage, preview: str) -> int:
    """Count what a preview has made in the cluster, by Pulumi's state of it.

    Components, providers and what is only read of the base are no objects of the cluster.
    """
    path = f".pulumi/stacks/{PROJECT_NAME}/{preview}.json"
    state: dict[str, Any] = json.loads((stage.project.backend / path).read_text())
    found = state["checkpoint"]["latest"]["resources"]
    return sum(
        each["type"].startswith("kubernetes:") and not each.get("external") for each in found
    )
