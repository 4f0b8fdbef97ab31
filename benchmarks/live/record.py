"""What one run of one policy left behind: every task, every pod, how disturbed the machine was."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter


@dataclass
class Execution:
    """One start of a task on one worker; times in seconds since the first task was due."""

    worker: str
    started_s: float
    ended_s: float | None = None
    failed: bool = False


@dataclass
class TaskRecord:
    """One task of the trace and what became of it."""

    planned_s: float
    seconds: float
    published_s: float | None = None
    lag_s: float = 0.0
    """How late the generator was."""
    executions: list[Execution] = field(default_factory=list)
    left_in: str | None = None
    """Where its message was when the run ended: `pending`, `in flight`; None if in neither."""

    @property
    def started_s(self) -> float | None:
        return min((e.started_s for e in self.executions), default=None)

    @property
    def ends(self) -> list[float]:
        return [e.ended_s for e in self.executions if e.ended_s is not None]


@dataclass
class PodRecord:
    """One pod, from its first sight to its last."""

    name: str
    seen_s: float
    online_s: float | None = None
    """When its worker began to take tasks."""
    deleted_s: float | None = None
    """When its end began."""
    gone_s: float | None = None


@dataclass(frozen=True)
class Disturbance:
    """How busy the machine was during a run."""

    cpu_busy: float
    """Share of both cores."""
    cpu_steal: float
    cpu_foreign: float
    """Share of both cores that went to processes which are no part of the benchmark."""
    cpu_pressure: float
    """Share of the time in which something waited for a core (Linux PSI, `some`)."""
    load_1min: float


@dataclass
class RunRecord:
    """One run; times in seconds of the stage since the first task was due."""

    scenario: str
    arm: str
    label: str
    block: int
    position: int
    """Which of the block's runs it was."""
    began_at: str
    scale: float
    ended_s: float
    horizon_s: float
    min_replicas: int
    tasks: dict[str, TaskRecord]
    pods: dict[str, PodRecord]
    replicas: list[tuple[float, int]]
    """What the Deployment was set to, at each change."""
    disturbance: Disturbance

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(_ADAPTER.dump_json(self))
        part.replace(path)


_ADAPTER: TypeAdapter[Any] = TypeAdapter(RunRecord)


def load(path: Path) -> RunRecord:
    """Read a saved run.

    Raises:
        pydantic.ValidationError: the file is no record of a run.

    """
    found: RunRecord = _ADAPTER.validate_json(path.read_bytes())
    return found
