"""Keeps a queue full, so that every slot is busy whenever a replica goes."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fleet.api_client import FleetApi

TASK = "worker_image.tasks.canary.work"
SHORTEST_S, LONGEST_S = 1.0, 3.0
_SENDERS = 4
_POLL_S = 0.3


@dataclass
class Load:
    """Sends tasks of varied length whenever fewer than so many wait."""

    api: FleetApi
    queue: str
    waiting: int
    seed: int
    sent: list[str] = field(default_factory=list)
    """Ids of all tasks."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Send until told to stop."""
        lengths = random.Random(self.seed)  # noqa: S311 - task lengths are no secret
        with ThreadPoolExecutor(_SENDERS, thread_name_prefix="load") as senders:
            while not self._stop.wait(_POLL_S):
                missing = self.waiting - self.api.queues()[self.queue].pending
                seconds = [lengths.uniform(SHORTEST_S, LONGEST_S) for _ in range(max(0, missing))]
                self.sent += senders.map(self._send, seconds)

    def stop(self) -> None:
        self._stop.set()

    def unfinished(self, within_s: float) -> tuple[list[str], list[str]]:
        """Wait for every result; give the ids without one, and those that failed."""
        deadline, left, failed = time.monotonic() + within_s, list(self.sent), []
        while True:
            with ThreadPoolExecutor(_SENDERS) as askers:
                results = list(askers.map(self.api.result, left))
            states = list(zip(left, (result.status for result in results), strict=True))
            failed += [task for task, status in states if status == "failed"]
            left = [task for task, status in states if status == "pending"]
            if not left or time.monotonic() > deadline:
                return left, failed
            time.sleep(_POLL_S)

    def _send(self, seconds: float) -> str:
        return self.api.create(TASK, {"seconds": round(seconds, 2)}, queue=self.queue)
