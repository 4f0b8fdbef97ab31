"""Workers whose leases are short, and the ledger of what they start."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.rehearsal.fair_stage import ask
from tests.rehearsal.worker_fleet import Fleet, eventually

VISIBILITY_S = 3
QUEUE, HELD = "default", "unacked:default"
LEDGER = "tests.rehearsal.start_ledger"
LATER = """
from worker_image.app import app
app.loader.import_default_modules()
print(app.send_task("worker_image.tasks.canary.work", kwargs={{"seconds": 0}}, countdown={seconds}))
"""
"""Sends a task that waits for its time."""


class Stage:
    """A fleet with short leases, whose workers write down each start."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        fleet.settings["visibilityTimeoutSeconds"] = VISIBILITY_S
        self.ledger = fleet.folder / "starts"
        self.prefetch = 1

    def worker(self, name: str, *options: str, **env: str) -> Any:
        """Start a worker of queue `default`; several of them share its keys."""
        fleet = self.fleet
        fleet.settings["workers"][QUEUE]["prefetchMultiplier"] = self.prefetch
        held = [f"--prefetch-multiplier={self.prefetch}"]
        held += ["--disable-prefetch"] if self.prefetch == 1 else []
        worker = fleet.launch(
            name,
            *(f"--queues={QUEUE}", f"--hostname={name}@pod", *held),
            *("-O", "fair", "--without-gossip", "--without-mingle"),
            *("-I", LEDGER, *(options or ("--concurrency=1",))),
            FLEET_WORKER="default",
            START_LEDGER=str(self.ledger),
            PYTHONPATH=str(Path.cwd()),
            **env,
        )
        eventually(fleet.heartbeat(name).exists)
        return worker

    def starts(self) -> Counter[str]:
        """How often each task has started."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        return Counter(line.split()[0] for line in lines)

    def finished(self, ids: list[str]) -> bool:
        with self.fleet.broker.client(db=1) as results:
            return len(results.keys("*task-meta-*")) >= len(ids)

    def at_rest(self) -> bool:
        return not ask(self.fleet, lambda c: c.exists(QUEUE, HELD, f"{HELD}_index"))


def held_tags(stage: Stage) -> list[str]:
    """What dead workers hold; whatever is not in the list is here, in the hash and its index."""
    held = ask(stage.fleet, lambda c: c.hgetall(HELD))
    index = ask(stage.fleet, lambda c: c.zrange(f"{HELD}_index", 0, -1))
    assert set(held) == set(index)
    return [json.loads(text)[2] for text in held.values()]
