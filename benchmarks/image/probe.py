"""Writes down when each task starts; the same in both arms, and only where it is asked for."""

import os
import time

import redis
from celery import signals

STARTS = "benchmark:starts"
VARIABLE = "BENCHMARK_STARTS"


def connect() -> None:
    """Append `id time` to a list for each start, if the environment names a Redis URL for it."""
    url = os.environ.get(VARIABLE)
    if url is None:
        return
    client = redis.Redis.from_url(url)

    def note(task_id: str, **_: object) -> None:
        client.rpush(STARTS, f"{task_id} {time.time():.6f}")

    signals.task_prerun.connect(note, weak=False)
