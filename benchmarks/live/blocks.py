"""Runs the blocks that are still to be run, each policy once a block, in random order."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from benchmarks.live.figures import figures
from benchmarks.live.record import RunRecord
from benchmarks.live.run import Place, run
from benchmarks.live.scenario import Scenario
from benchmarks.live.stage import Stage, staged
from benchmarks.live.store import Store
from benchmarks.live.timeline import overrun_seconds, start_seconds
from fleet.progress import Progress

# Runs of one block are compared with each other, so they have to be of about the same hour.
_TOGETHER = timedelta(minutes=30)
_TRIES = 2
_MAX_LAG_SHARE = 0.05
_MAX_START_SHARE = 1.25
_MAX_OVERRUN_SHARE = 0.05


def disturbed(run: RunRecord, scenario: Scenario) -> str | None:
    """Why a run says little; None where it says what it should.

    Decided by what other work on the machine did to the run, not by what the policy achieved:
    publishing, the start of pods and the tasks' own seconds are meant to be equal for all.
    """
    stated_s = scenario.pace.seconds(scenario.worker.start_s)
    typical_s = scenario.pace.seconds(scenario.queue.objective.typical_s)
    lag_s = max(task.lag_s for task in run.tasks.values())
    start_s, over_s = _middle(start_seconds(run)), _middle(overrun_seconds(run))
    if lag_s > _MAX_LAG_SHARE * scenario.tolerated_s:
        return f"tasks were published up to {lag_s:.2f} s late"
    if start_s > _MAX_START_SHARE * stated_s:
        return f"pods took {start_s:.1f} s to begin, not {stated_s:.1f} s"
    if over_s > _MAX_OVERRUN_SHARE * typical_s:
        return f"tasks ran {over_s:.2f} s longer than they should"
    return None


def _middle(seconds: Sequence[float]) -> float:
    return median(seconds) if seconds else 0.0


@dataclass
class Blocks:
    """The blocks of one scenario."""

    store: Store
    policies: Sequence[str]
    progress: Progress
    until: float
    """Of the monotonic clock: no run begins after it."""

    @property
    def scenario(self) -> Scenario:
        return self.store.scenario

    def run(self, blocks: int) -> bool:
        """Run what is missing of the first `blocks`; whether all is there.

        Raises:
            RehearsalError: the stage does not come up or go down.
            TimeoutError: an arm does not come to rest.

        """
        with ExitStack() as stack:
            stage: Stage | None = None
            for block in range(blocks):
                for place, name in self._missing(block):
                    if time.monotonic() > self.until:
                        return False
                    if stage is None:
                        report = self.progress.reporter("stage")
                        stage = stack.enter_context(staged(self.scenario, report))
                    self._keep(stage, name, place)
        return True

    def _missing(self, block: int) -> Iterator[tuple[Place, str]]:
        kept = [self.store.read(name, block) for name in self.policies]
        begun = [datetime.fromisoformat(one.began_at) for one in kept if one is not None]
        if None in kept and begun and datetime.now(UTC) - min(begun) > _TOGETHER:
            for name in self.policies:
                self.store.drop(name, block)
        order = np.random.default_rng(block).permutation(len(self.policies))
        for position, index in enumerate(order):
            name = self.policies[index]
            if self.store.read(name, block) is None:
                yield Place(block, position), name

    def _keep(self, stage: Stage, name: str, place: Place) -> None:
        """Run it, again if the machine was disturbed, and keep the last."""
        step = f"{self.scenario.name.partition('-')[0]} {place.block} {name}"
        for left in reversed(range(_TRIES)):
            with self.progress.running(step) as tell:
                done = run(stage, self.scenario, name, place, tell)
            self.progress.say(step, self._told(done))
            why = disturbed(done, self.scenario)
            if why is None or not left:
                break
            self.progress.say(step, f"{why}: once more")
        done.save(self.store.path(name, place.block))

    def _told(self, done: RunRecord) -> str:
        got = figures(done, self.scenario.tolerated_s)
        mishaps = {
            "killed": got.killed,
            "lost": got.lost,
            "twice": got.duplicated,
            "unfinished": got.unfinished,
            "failed": got.failed,
        }
        told = "".join(f", {count} {what}" for what, count in mishaps.items() if count)
        return (
            f"wait p50/p95/max {got.wait_p50_s:.1f}/{got.wait_p95_s:.1f}/{got.wait_max_s:.1f} s, "
            f"drained {got.drained_s:.1f} s, {got.pod_s:.0f} pod-s{told}; "
            f"cores {done.disturbance.cpu_busy:.0%} busy, "
            f"{done.disturbance.cpu_foreign:.0%} with others' work"
        )
