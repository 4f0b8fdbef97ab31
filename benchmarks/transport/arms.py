"""Two arms on one broker: the same worker and publisher, told to deliver messages in either way."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.image import probe
from benchmarks.image.arms import Arm, Bench, Shape, until

Delivery = Literal["lease", "stock"]
DELIVERIES: tuple[Delivery, ...] = ("stock", "lease")
_SEND = """
import sys, time
from benchmarks.image.fleet_app import app
app.loader.import_default_modules()
tasks, seconds, gap_s = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
with app.producer_or_acquire() as producer:
    for _ in range(tasks):
        at = time.time()
        sent = app.send_task(
            "worker_image.tasks.canary.work", kwargs={"seconds": seconds}, producer=producer)
        print(sent.id, f"{at:.6f}", f"{time.time():.6f}")
        time.sleep(gap_s)
"""


@dataclass
class DeliveryBench(Bench):
    """A broker and a folder for one way of delivery."""

    delivery: Delivery = "lease"

    def environment(self, arm: Arm, shape: Shape, *, holds: bool = True) -> dict[str, str]:
        """What the worker's pod would get, without TLS."""
        env = super().environment(arm, shape, holds=holds)
        file = self.folder / "settings.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"delivery": self.delivery}))
        return env

    def publish(self, tasks: int, seconds: float, gap_s: float = 0.0) -> Mapping[str, float]:
        """Publish as the fleet does; when each task's publish began, by its id, in Unix time."""
        return {
            line.split()[0]: float(line.split()[1]) for line in self._sent(tasks, seconds, gap_s)
        }

    def published_per_s(self, tasks: int) -> float:
        """Publish as fast as one publisher can; messages a second."""
        lines = self._sent(tasks, 0, 0)
        return tasks / (float(lines[-1].split()[2]) - float(lines[0].split()[1]))

    def commands(self) -> int:
        """How many commands the server has run, those within scripts among them."""
        told = self.client().info("commandstats")
        ours = ("cmdstat_info", "cmdstat_keys", "cmdstat_llen", "cmdstat_dbsize")
        return sum(int(each["calls"]) for name, each in told.items() if name not in ours)

    def started(self, tasks: int) -> Mapping[str, float]:
        """Wait until all have started; when each did, by its id, in Unix time."""
        starts = self.client(2)
        until(lambda: starts.llen(probe.STARTS) >= tasks, f"{tasks} starts", 120)
        lines = (str(line).split() for line in starts.lrange(probe.STARTS, 0, -1))
        return {started: float(at) for started, at in lines}

    def _sent(self, tasks: int, seconds: float, gap_s: float) -> list[str]:
        words = [str(tasks), str(seconds), str(gap_s)]
        env = self.environment("fleet", Shape("prefork", 1))
        del env["FLEET_WORKER"]
        done = subprocess.run(
            [sys.executable, "-c", _SEND, *words], env=env, check=True, capture_output=True
        )
        return done.stdout.decode().splitlines()


def idle_commands_per_s(bench: DeliveryBench, shape: Shape, seconds: float) -> float:
    """Commands a second while one worker waits for messages."""
    bench.client().flushall()
    with bench.worker("fleet", shape):
        time.sleep(2)
        before, began = bench.commands(), time.monotonic()
        time.sleep(seconds)
        return (bench.commands() - before) / (time.monotonic() - began)
