"""What scale-ins came to: figures, a table, a JSON file and a page."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.scale_in.victim import Victim

_PAGE = """# Scale-ins while tasks run

`python -m benchmarks.scale_in` on a rehearsed fleet: {replicas} replicas of one worker, its queue
kept full of tasks of 1 to 3 s, taken down to {floor} one by one through the Deployment's `scale`,
as an HPA does, and up again. Its scaler is paused meanwhile. API server, ReplicaSet controller,
broker and Celery workers are real; nodes and the container runtime are the rehearsal's stand-ins.
The ReplicaSet chooses the pod. A task is lost that has no result within 90 s after the last
scale-in; one effect is one count in the broker's statistics, so a second run shows.

| figure | value |
|---|---:|
{rows}
"""


@dataclass(frozen=True)
class Report:
    """The figures of one run, or of several."""

    rounds: int
    while_tasks_ran: int
    """Scale-ins whose pod finished at least one task after SIGTERM."""
    replicas: int
    floor: int
    seeds: Sequence[int]
    """One a run."""
    tasks: int
    results: int
    failed: int
    lost: int
    """Tasks without a result once the queue was empty."""
    runs: int
    """Of tasks, that the statistics count as done."""
    duplicated: int
    """Runs beyond one for each result."""
    redelivered: int
    """Messages that came again; a pod gives back what it took in the moment of SIGTERM."""
    finished_after_sigterm: int
    """Tasks of the pods that were taken away."""
    drain_s: Sequence[float]
    """What each pod took to go."""
    took_s: float

    @property
    def problems(self) -> list[str]:
        """What must not be; empty where each task ran exactly once."""
        told = []
        if self.lost or self.failed:
            told.append(f"{self.lost} tasks lost, {self.failed} failed, of {self.tasks}")
        if self.duplicated:
            told.append(f"{self.duplicated} ran twice, {self.redelivered} came again")
        if self.while_tasks_ran < self.rounds:
            told.append(f"only {self.while_tasks_ran} of {self.rounds} scale-ins hit a busy pod")
        return told

    def rows(self) -> dict[str, str]:
        """Every figure by what people call it."""
        p50_s, p95_s, max_s = (quantile(self.drain_s, share) for share in (0.5, 0.95, 1.0))
        return {
            "scale-ins": f"{self.rounds}",
            "of them while a task ran": f"{self.while_tasks_ran}",
            "tasks sent": f"{self.tasks:,}",
            "tasks with a result": f"{self.results:,}",
            "tasks lost": f"{self.lost}",
            "tasks failed": f"{self.failed}",
            "tasks run twice": f"{self.duplicated}",
            "messages delivered again": f"{self.redelivered}",
            "tasks finished after SIGTERM": f"{self.finished_after_sigterm:,}",
            "pod gone after, p50 / p95 / max": f"{p50_s:.1f} / {p95_s:.1f} / {max_s:.1f} s",
            "took": f"{self.took_s:.0f} s in {len(self.seeds)} run(s)",
        }

    def table(self) -> Table:
        """Lay the figures out."""
        table = Table(title="scale-ins while tasks run", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("figure")
        table.add_column("value", justify="right")
        for name, value in self.rows().items():
            table.add_row(name, value)
        return table

    def write(self, path: Path) -> None:
        """Write the figures as JSON, and beside it as Markdown."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        rows = "\n".join(f"| {name} | {value} |" for name, value in self.rows().items())
        page = _PAGE.format(replicas=self.replicas, floor=self.floor, rows=rows)
        path.with_suffix(".md").write_text(page)

    def with_earlier(self, earlier: "Report | None") -> "Report":
        """Add these figures to those of runs before."""
        if earlier is None:
            return self
        own, other = asdict(self), asdict(earlier)
        summed: dict[str, Any] = {name: other[name] + own[name] for name in own}
        return Report(**summed | {"replicas": self.replicas, "floor": self.floor})


def earlier(path: Path, replicas: int, floor: int, seed: int) -> Report | None:
    """Read runs that another may be added to; None where there are none.

    Raises:
        ValueError: they were of other replicas, or of the same seed, so of the same tasks.

    """
    if not path.is_file():
        return None
    found = Report(**json.loads(path.read_text()))
    if (found.replicas, found.floor) != (replicas, floor):
        raise ValueError(f"{path.name} is of {found.replicas} to {found.floor} replicas")
    if seed in found.seeds:
        raise ValueError(f"{path.name} has seed {seed} already: state another --seed")
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """Least of the values that so large a share does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def drains(victims: Sequence[Victim]) -> list[float]:
    """What the pods took to go, in seconds."""
    return [round(victim.took_s, 2) for victim in victims]
