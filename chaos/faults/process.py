"""Faults of workers' processes: killed, frozen, killed while they drain, with a wrong clock."""

import signal
import time
from dataclasses import dataclass, field
from typing import ClassVar

import redis

from chaos.faults.fault import Fault
from chaos.field import Field
from chaos.processes import wait_for
from chaos.record import Excuses
from chaos.skewed import OFFSET_VARIABLE
from chaos.worker import Place

_BUSY_S, _READY_S = 30.0, 60.0
_HELD_S = 3.0
"""What a task takes that is to be running when the fault comes."""
_DRAIN_S = 1.5
_FREEZE_S = 1.3
_ARRIVE = 4
_SKEW_S = 600


def busy_worker(stage: Field, queue: str = "fast") -> Place:
    """Give a worker of the queue that runs a task; one is sent to make sure."""
    stage.publisher.send_now("held", queue, _HELD_S)
    return wait_for(lambda: stage.busy(queue), _BUSY_S, f"a worker of {queue} runs a task")


def ready_worker(stage: Field, slot: str) -> Place:
    """Wait until the worker of a slot takes messages."""
    place = stage.places[slot]
    wait_for(lambda: place.ready, _READY_S, f"{slot} is ready")
    return place


def _trickle(stage: Field) -> None:
    for _ in range(_ARRIVE):
        stage.publisher.send_now("plain", "fast", 0.05)


@dataclass
class KilledMidTask(Fault):
    """The worker goes with all its processes, while a task runs."""

    number: ClassVar[int] = 1
    name: ClassVar[str] = "SIGKILL mid-task"
    strikes: ClassVar[int] = 2
    excuses: Excuses = field(default_factory=lambda: Excuses(victims=True))

    def choose(self, stage: Field) -> None:
        self.aim(busy_worker(stage))

    def inject(self, stage: Field) -> None:
        del stage
        self.hit[0].signal(signal.SIGKILL)


@dataclass
class Frozen(Fault):
    """The node stops for a moment and is gone: what the broker sent meanwhile goes with it."""

    number: ClassVar[int] = 2
    name: ClassVar[str] = "freeze, then SIGKILL"
    # The control has to lose by it, and a strike that finds its worker busy takes nothing.
    strikes: ClassVar[int] = 8
    lasts_s: ClassVar[float] = _FREEZE_S
    excuses: Excuses = field(default_factory=lambda: Excuses(victims=True))

    def choose(self, stage: Field) -> None:
        self.aim(ready_worker(stage, "fast-0"))

    def inject(self, stage: Field) -> None:
        self.hit[0].signal(signal.SIGSTOP)
        # The other worker waits too: one of a few goes to the frozen one.
        _trickle(stage)

    def heal(self, stage: Field) -> None:
        del stage
        self.hit[0].signal(signal.SIGKILL)


@dataclass
class KilledInDrain(Fault):
    """SIGTERM while a fetch is under way, a message arrives, SIGKILL before the drain ends."""

    number: ClassVar[int] = 5
    name: ClassVar[str] = "TERM, then KILL in the drain"
    strikes: ClassVar[int] = 3
    lasts_s: ClassVar[float] = _DRAIN_S
    excuses: Excuses = field(default_factory=lambda: Excuses(victims=True, once_over=True))

    def choose(self, stage: Field) -> None:
        self.aim(busy_worker(stage))

    def inject(self, stage: Field) -> None:
        self.hit[0].signal(signal.SIGTERM, main_only=True)
        _trickle(stage)

    def heal(self, stage: Field) -> None:
        del stage
        self.hit[0].signal(signal.SIGKILL)


@dataclass
class WrongClock(Fault):
    """A worker starts with a clock ten minutes ahead, beside others that run long tasks."""

    number: ClassVar[int] = 14
    name: ClassVar[str] = "clock +10 min on one worker"
    lasts_s: ClassVar[float] = 12.0

    def choose(self, stage: Field) -> None:
        # Of the same queue, so that it looks after the same messages.
        stage.publisher.send_now("held", "fast", _HELD_S * 2)

    def inject(self, stage: Field) -> None:
        self._restart(stage, {OFFSET_VARIABLE: str(_SKEW_S)})
        stage.publisher.send_now("held", "fast", _HELD_S * 2)

    def heal(self, stage: Field) -> None:
        self._restart(stage, {})

    def _restart(self, stage: Field, env: dict[str, str]) -> None:
        place = ready_worker(stage, "fast-1")
        place.env = env
        before = place.generation
        place.signal(signal.SIGTERM, main_only=True)
        wait_for(lambda: place.generation > before and place.ready, _READY_S, "its next start")


@dataclass
class Poison(Fault):
    """A task that kills the process it runs in, each time."""

    number: ClassVar[int] = 15
    name: ClassVar[str] = "poison task"
    kind: ClassVar[str] = "poison"
    queue: ClassVar[str] = "fast"
    lasts_s: ClassVar[float] = 2.0

    def inject(self, stage: Field) -> None:
        task = stage.publisher.send_now(self.kind, self.queue, 0.0)
        self.excuses = Excuses(ids=(task,))


@dataclass
class OutOfMemory(Poison):
    """A task for which the kernel kills the whole container, each time."""

    number: ClassVar[int] = 16
    name: ClassVar[str] = "container OOM"
    kind: ClassVar[str] = "oom"
    queue: ClassVar[str] = "gpu"
    lingers: ClassVar[bool] = True
    # Each delivery comes a visibility timeout and a sweep after the one before.
    parked_within_s: ClassVar[float] = 90.0
    loops_for_s: ClassVar[float] = 20.0

    def heal(self, stage: Field) -> None:
        """Wait until it is parked; where nothing parks it, take it out as an operator has to."""
        (task,) = self.excuses.ids
        patience_s = self.parked_within_s if stage.arm.name == "ours" else self.loops_for_s
        deadline = time.monotonic() + patience_s
        with stage.brokers.messages.client() as client:
            while time.monotonic() < deadline and not client.hexists("fleet:dead:gpu", task):
                time.sleep(0.5)
            if not client.hexists("fleet:dead:gpu", task):
                _take_out(client, task, stage.arm.held_key("gpu"))
        self.victims += [one.worker for one in stage.starts() if one.id == task]


def _take_out(client: "redis.Redis", task: str, held: str) -> None:
    for text in client.lrange("gpu", 0, -1):
        if task in text:
            client.lrem("gpu", 1, str(text))
    for tag, text in client.hgetall(held).items():
        if task in text:
            client.hdel(held, tag)
            client.zrem(f"{held}_index", tag)
