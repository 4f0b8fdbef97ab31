"""What a run of scale-ins came to."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.scale_in.victim import Victim


@dataclass(frozen=True)
class Report:
    """The figures of one run."""

    rounds: int
    while_tasks_ran: int
    """Scale-ins whose pod finished at least one task after SIGTERM."""
    replicas: int
    floor: int
    seed: int
    tasks: int
    results: int
    failed: int
    lost: int
    """Tasks without a result once the queue was empty."""
    runs: int
    """That the statistics count as done."""
    duplicated: int
    """Runs beyond one for each result."""
    redelivered: int
    finished_after_sigterm: int
    """Tasks of the pods that were taken away."""
    drain_p50_s: float
    drain_p95_s: float
    drain_max_s: float
    took_s: float

    @property
    def problems(self) -> list[str]:
        """What must not be; empty where each task ran exactly once."""
        told = []
        if self.lost or self.failed:
            told.append(f"{self.lost} tasks lost, {self.failed} failed, of {self.tasks}")
        if self.duplicated or self.redelivered:
            told.append(f"{self.duplicated} ran twice, {self.redelivered} came again")
        if self.while_tasks_ran < self.rounds:
            told.append(f"only {self.while_tasks_ran} of {self.rounds} scale-ins hit a busy pod")
        return told

    def table(self) -> Table:
        """Lay the figures out."""
        table = Table(title="scale-ins while tasks run", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("figure")
        table.add_column("value", justify="right")
        for name, value in asdict(self).items():
            table.add_row(name.replace("_", " "), str(value))
        return table

    def write(self, path: Path) -> None:
        """Write the figures as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def drains(victims: Sequence[Victim]) -> tuple[float, float, float]:
    """Median, 95th percentile and maximum of what the pods took to go, in seconds."""
    took = sorted(victim.took_s for victim in victims)
    picked = (took[len(took) // 2], took[int(len(took) * 0.95)], took[-1])
    first, second, third = (round(value, 2) for value in picked)
    return first, second, third
