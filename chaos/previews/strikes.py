"""What a command of a preview meets on its way, drawn by seed, and how it is done to it."""

import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import psutil

from benchmarks.previews.stage import Running, Stage
from chaos.processes import frozen

Kind = Literal["kill command", "kill engine", "kill all", "freeze API server", "freeze broker"]
_KILLS: tuple[Kind, ...] = ("kill command", "kill engine", "kill all")
_FREEZES: dict[Kind, str] = {"freeze API server": "kube-apiserver", "freeze broker": "broker"}
KINDS: tuple[Kind, ...] = (*_KILLS, *_FREEZES)
# The command's Python takes a second before it does anything; below that nothing is hit.
_EARLIEST = 0.05
_FREEZE_S = (2.0, 6.0)
_STEP_S = 0.02
# Commands of Pulumi that have commands of their own.
_GROUPS = (["stack"], ["config"])


@dataclass(frozen=True)
class Strike:
    """One fault at one moment of a command."""

    kind: Kind
    at: float
    """Share of what the command takes undisturbed."""
    seconds: float
    """How long a server stands still."""


@dataclass(frozen=True)
class Struck:
    """What a strike hit."""

    command: str
    strike: Strike
    engine: str
    """What Pulumi was at, by its first words; empty where none ran."""
    code: int | None
    """Of the command; negative where it was killed."""

    def __str__(self) -> str:
        during = f" (in {self.engine})" if self.engine else ""
        return f"{self.command} {self.strike.at:.0%} {self.strike.kind}{during}"


def drawn(dice: random.Random) -> Strike:
    """Draw one: kills three times as often as frozen servers."""
    kind = dice.choice((*_KILLS, *_KILLS, *_FREEZES))
    return Strike(kind, round(dice.uniform(_EARLIEST, 1.0), 3), round(dice.uniform(*_FREEZE_S), 1))


def struck(stage: Stage, command: str, branch: str, strike: Strike, typical_s: float) -> Struck:
    """Run a command, and strike it at its moment; one that is over by then goes unhurt."""
    running = stage.start(command, "--branch", branch)
    _until(running, running.since + strike.at * typical_s)
    engine = _engine(running)
    if strike.kind in _FREEZES:
        with frozen(stage.project.rehearsal, _FREEZES[strike.kind]):
            time.sleep(strike.seconds)
    else:
        _kill(running, strike.kind)
    return Struck(command, strike, engine, running.ended().code)


def _until(running: Running, moment: float) -> None:
    while time.monotonic() < moment and running.process.poll() is None:
        time.sleep(_STEP_S)


def _family(running: Running) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        command = psutil.Process(running.process.pid)
        return [command, *command.children(recursive=True)]
    return []


def _is_engine(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.name() == "pulumi"
    return False


def _engine(running: Running) -> str:
    for each in _family(running)[1:]:
        if _is_engine(each):
            with suppress(psutil.NoSuchProcess):
                words = [word for word in each.cmdline()[1:] if not word.startswith("-")]
                return " ".join(words[: 2 if words[:1] in _GROUPS else 1])
    return ""


def _kill(running: Running, kind: Kind) -> None:
    family = _family(running)
    victims = {
        "kill command": family[:1],
        "kill engine": [each for each in family if _is_engine(each)],
    }.get(kind, family)
    for each in victims:
        with suppress(psutil.NoSuchProcess):
            each.kill()
