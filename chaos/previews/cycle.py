"""One life of a preview under strikes: up, a task, down, and what is left."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.previews.probe import first_task
from benchmarks.previews.stage import Ran, Stage
from chaos.previews.leaks import Left, leaks
from chaos.previews.strikes import Struck, drawn, struck
from fleet.previews.naming import preview_name

# One in four previews is taken down before any up of it has ended well.
_FINISHED = 0.75
_UP_STRIKES, _DOWN_STRIKES = (1, 2), (0, 1, 2)

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Typical:
    """What commands take undisturbed, by which strikes are timed."""

    up_s: float
    down_s: float


@dataclass
class Cycle:
    """What one life met, and what came of it."""

    number: int
    branch: str
    strikes: list[Struck] = field(default_factory=list)
    finished: bool = False
    """Whether an `up` ended well and a task was done."""
    problems: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def preview(self) -> str:
        return preview_name(self.branch)


def lived(stage: Stage, seed: int, number: int, typical: Typical, tell: Tell) -> Cycle:
    """Run one cycle; every draw is made of seed and number."""
    dice, began = random.Random(f"{seed}-{number}"), time.monotonic()  # noqa: S311 - a seeded draw
    cycle = Cycle(number, f"chaos/{seed}-{number}")
    _strike(stage, cycle, "up", dice.choice(_UP_STRIKES), (dice, typical.up_s), tell)
    if dice.random() < _FINISHED:
        finish(stage, cycle, tell)
    _strike(stage, cycle, "down", dice.choice(_DOWN_STRIKES), (dice, typical.down_s), tell)
    take_down(stage, cycle, tell)
    cycle.seconds = time.monotonic() - began
    return cycle


def undisturbed(stage: Stage, tell: Tell) -> Typical:
    """Measure one life without a strike, which also fills caches."""
    named = ("--branch", "chaos/undisturbed")
    tell("an undisturbed preview")
    up, down = stage.succeed("up", *named), stage.succeed("down", *named)
    tell(f"up {up.steps}, down {down.steps}")
    return Typical(up.seconds, down.seconds)


def _strike(
    stage: Stage,
    cycle: Cycle,
    command: str,
    times: int,
    drawing: tuple[random.Random, float],
    tell: Tell,
) -> None:
    dice, typical_s = drawing
    for _ in range(times):
        strike = drawn(dice)
        tell(f"{command}: {strike.kind} at {strike.at:.0%}")
        cycle.strikes.append(struck(stage, command, cycle.branch, strike, typical_s))


def finish(stage: Stage, cycle: Cycle, tell: Tell) -> None:
    """Bring the preview up undisturbed, whatever came before, and have it do a task."""
    tell("up, undisturbed")
    if _expect(cycle, stage.preview("up", "--branch", cycle.branch), "up"):
        tell("a task")
        try:
            first_task(stage, cycle.preview)
        except TimeoutError as error:
            cycle.problems.append(str(error))
        else:
            cycle.finished = True


def take_down(stage: Stage, cycle: Cycle, tell: Tell) -> None:
    """Take it down undisturbed, whatever came before, and look what is left."""
    tell("down, undisturbed")
    _expect(cycle, stage.preview("down", "--branch", cycle.branch), "down")
    tell("looking what is left")
    cycle.left = leaks(stage, cycle.preview)


def _expect(cycle: Cycle, ran: Ran, command: str) -> bool:
    if ran.code:
        cycle.problems.append(f"{command} ended with {ran.code}: {ran.output.strip()[-1500:]}")
    return ran.code == 0
