"""A broker and a fleet with one fair queue, and what the tests of it send and ask."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.rehearsal.worker_fleet import Broker, Fleet, eventually

QUEUE, MARKS, TENANTS = "labeling", "fair:labeling:pending", "fair:labeling:tenants"
HELD = "unacked:labeling"
WORK = "worker_image.tasks.canary.work"
# Sends as many tasks as asked, each as long as asked, to a queue, for tenants in turn.
SEND = """
from worker_image.app import app
app.loader.import_default_modules()
tenants = {tenants!r} or [None]
with app.producer_or_acquire() as producer:
    for number in range({count}):
        tenant = tenants[number % len(tenants)]
        print(app.send_task(
            "worker_image.tasks.canary.work", kwargs={{"seconds": {seconds}}}, queue={queue!r},
            headers={{"tenant": tenant}} if tenant else None, producer=producer,
        ))
"""


def send(
    fleet: Fleet, count: int, *tenants: str, seconds: float = 0, queue: str = QUEUE
) -> list[str]:
    told = {"count": count, "tenants": tenants, "seconds": seconds, "queue": queue}
    return fleet.publish(SEND.format(**told))


def create(api: httpx.Client, tenant: str | None, queue: str = QUEUE, seconds: float = 0) -> str:
    body = {"task": WORK, "kwargs": {"seconds": seconds}, "queue": queue, "tenant": tenant}
    answer = api.post("/create", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["task_id"])


def finished_after(api: httpx.Client, tenant: str | None, queue: str, within_s: float) -> float:
    """Seconds from sending a task that takes no time to its result."""
    started = time.monotonic()
    task_id = create(api, tenant, queue)
    eventually(lambda: api.get(f"/result/{task_id}").json()["status"] == "completed", within_s)
    return time.monotonic() - started


def ask(fleet: Fleet, look: Callable[[Any], Any]) -> Any:
    with fleet.broker.client() as client:
        return look(client)


class Ledger:
    """Compares what a scaler counts with what is unfinished, at one moment of the broker."""

    def __init__(self, broker: Broker) -> None:
        self._client = broker.client()
        self.published = 0
        self.over: list[int] = []
        """By how much the count exceeded the unfinished tasks, sample by sample."""

    def sample(self) -> int:
        """Take one; the tasks that are unfinished now."""
        pipe = self._client.pipeline(transaction=True)
        pipe.hlen(MARKS)
        pipe.hlen(HELD)
        pipe.execute_command("SELECT", 1)
        pipe.dbsize()
        pipe.execute_command("SELECT", 0)
        pending, held, _, finished, _ = pipe.execute()
        unfinished = self.published - int(finished)
        self.over.append(int(pending) + int(held) - unfinished)
        return unfinished

    def watch(self, until: Callable[[], bool], within_s: float = 30.0) -> None:
        deadline = time.monotonic() + within_s
        while not until():
            self.sample()
            assert time.monotonic() < deadline, f"nothing after {within_s:.0f} s"
            time.sleep(0.002)

    def counted(self) -> int:
        return int(self._client.hlen(MARKS)) + int(self._client.hlen(HELD))

    def close(self) -> None:
        self._client.close()
