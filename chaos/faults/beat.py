"""Faults of the scheduler."""

from dataclasses import dataclass, field
from typing import ClassVar

from chaos.faults.fault import Fault
from chaos.field import Field
from chaos.processes import Group, wait_for

_FIRST_S, _TAKEOVER_S = 60.0, 60.0


@dataclass
class BeatKilled(Fault):
    """Beat is killed twice, and started again each time."""

    number: ClassVar[int] = 13
    name: ClassVar[str] = "beat killed twice"
    lingers: ClassVar[bool] = True
    running: Group | None = None
    gaps_s: list[float] = field(default_factory=list)

    def choose(self, stage: Field) -> None:
        self.running = stage.beat("beat")
        self._await_tick(stage, _ticks(stage), _FIRST_S)

    def inject(self, stage: Field) -> None:
        for _ in range(2):
            assert self.running is not None  # noqa: S101 - chosen before
            self.running.kill()
            before = _ticks(stage)
            self.running = stage.beat("beat")
            self._await_tick(stage, before, _TAKEOVER_S)

    def heal(self, stage: Field) -> None:
        del stage
        if self.running is not None:
            self.running.kill()

    def _await_tick(self, stage: Field, before: int, within_s: float) -> None:
        wait_for(lambda: _ticks(stage) > before + 1, within_s, "beat sends")


def _ticks(stage: Field) -> int:
    with stage.ledger.connected() as db:
        return int(db.execute("SELECT COUNT(*) FROM tick").fetchone()[0])
