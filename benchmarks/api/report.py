"""A run's figures, as a table and as a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path

from rich.table import Table

_MONITORING_MS = 200.0


@dataclass(frozen=True)
class Report:
    """What was offered, what became of it, and what the machine did meanwhile."""

    rate: float
    seconds: float
    connections: int
    processes: int
    keys: bool
    offered: int
    accepted: int
    refused: int
    unanswered: int
    lost: int
    """Accepted, and not in Redis."""
    twice: int
    """In Redis more than once."""
    not_told: int
    """In Redis, and nobody was told so."""
    per_second: float
    """Accepted, from the first request to the last answer."""
    p50_ms: float
    """From when a request was due to its answer, as the two below."""
    p95_ms: float
    p99_ms: float
    api_cpu_us: int
    """CPU time of the API's processes for one request, microseconds."""
    cpu_busy: float
    """Share of the machine, as the next one."""
    cpu_foreign: float
    """Work that is not this benchmark's."""
    cpu_pressure: float
    """Share of the time in which something waited for a core."""
    monitoring_slowest_ms: dict[str, float]
    at: float

    @property
    def problems(self) -> list[str]:
        """What must not be."""
        told = {
            f"{self.lost} accepted tasks are not in Redis": self.lost,
            f"{self.twice} tasks are in Redis more than once": self.twice,
            f"{self.unanswered} requests were never answered": self.unanswered,
        }
        slow = [
            f"{path} took {took_ms:.0f} ms, above {_MONITORING_MS:.0f}"
            for path, took_ms in self.monitoring_slowest_ms.items()
            if took_ms > _MONITORING_MS
        ]
        return [problem for problem, times in told.items() if times] + slow

    def table(self) -> Table:
        table = Table(
            "figure", "value", title=f"{self.rate:.0f} requests/s for {self.seconds:.0f} s"
        )
        for name, value in asdict(self).items():
            if isinstance(value, dict):
                for path, took_ms in value.items():
                    table.add_row(f"slowest of 100, 50 workers: {path}", f"{took_ms} ms")
            elif name != "at":
                table.add_row(name, str(value))
        return table

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self), indent=2) + "\n")


def percentile_ms(values_s: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile, milliseconds; 0 of nothing."""
    if not values_s:
        return 0.0
    return round(1000 * sorted(values_s)[max(0, ceil(share * len(values_s)) - 1)], 1)
