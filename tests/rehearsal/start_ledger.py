"""Loaded into a worker with `-I`: writes down when each task starts, past the fleet's own code."""

import os
import time
from pathlib import Path

from celery import signals

_FILE = Path(os.environ["START_LEDGER"])


def _started(task_id: str, **_: object) -> None:
    with _FILE.open("a") as ledger:
        ledger.write(f"{task_id} {time.time():.6f}\n")


signals.task_prerun.connect(_started, weak=False)
