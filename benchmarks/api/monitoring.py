"""How soon the monitoring endpoints answer with fifty workers connected, all of them simulated."""

import time

import httpx

from benchmarks.api.stage import QUEUE, TOKEN, Stage
from worker_image.presence import ActiveTask, Presence, PresenceStore

_PATHS = (
    *(f"/api/v1/workers/{name}" for name in ("queues", "active", "stats", "health")),
    "/api/v1/fleet/overview",
)
_WORKERS = 50
_ROUNDS = 100
_FIRST_ROUNDS = 5


def answers_s(where: Stage) -> dict[str, float]:
    """Return the slowest of a hundred answers by path, seconds."""
    store = PresenceStore(where.broker, "")
    for number in range(_WORKERS):
        store.tell(_worker(number), expires_s=600)
    slowest = dict.fromkeys(_PATHS, 0.0)
    address = f"http://{where.host}:{where.port}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=address, headers=headers, trust_env=False) as client:
        # The first answers of each of the API's processes connect to the broker.
        for path in _PATHS * _FIRST_ROUNDS:
            client.get(path).raise_for_status()
        for _ in range(_ROUNDS):
            for path in _PATHS:
                began = time.perf_counter()
                client.get(path).raise_for_status()
                slowest[path] = max(slowest[path], time.perf_counter() - began)
    return slowest


def _worker(number: int) -> Presence:
    now = time.time()
    tasks = (
        ActiveTask(id=f"task-{number}-{slot}", name="task", queue=QUEUE, started_at=now)
        for slot in range(8)
    )
    return Presence(
        name=f"worker-{QUEUE}@pod-{number}",
        worker=QUEUE,
        pid=1,
        pool="prefork",
        concurrency=8,
        queues=(QUEUE,),
        active=tuple(tasks),
        running=8,
        done=0,
        rss_bytes=0,
        started_at=now,
        told_at=now,
    )
