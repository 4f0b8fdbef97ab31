"""What the base's tasks waited in each phase, and what the broker held."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path

from rich.table import Table

ADDED_MOST_MS = 100.0
"""To what 95 of 100 of the base's canary tasks wait in quiet, beside whatever a preview does."""
QUIET = "quiet"
PUSHED = "messages pushed past the image"
UNBOUNDED = "a fork bomb, no bound"


@dataclass(frozen=True)
class Phase:
    """One way to go wild, or none."""

    name: str
    waits_ms: list[float]
    """Of the base's canary tasks, from being sent to their start."""
    held_most: int
    """Messages that the preview's queue held, waiting or with its worker."""
    memory_most_mib: float
    """Of the broker."""
    slowest_command_ms: float
    """Of the broker, which does nothing else meanwhile; 0 where none took a millisecond."""
    told: dict[str, int] = field(default_factory=dict)
    """What came of the messages."""

    def wait_ms(self, share: float) -> float:
        """Least wait that so large a share does not exceed."""
        return sorted(self.waits_ms)[max(0, ceil(share * len(self.waits_ms)) - 1)]


@dataclass(frozen=True)
class Report:
    """All phases of one run; the first one is quiet."""

    most: int
    """Messages that a queue of the preview may hold."""
    canaries_per_s: int
    phases: list[Phase]

    @property
    def problems(self) -> list[str]:
        """What must not be."""
        return [problem for phase in self.phases for problem in self._problems(phase)]

    def _problems(self, phase: Phase) -> Iterator[str]:
        added_ms = phase.wait_ms(0.95) - self.phases[0].wait_ms(0.95)
        if added_ms > ADDED_MOST_MS:
            yield f"{phase.name}: adds {added_ms:.0f} ms, above {ADDED_MOST_MS:.0f} (p95)"
        bounded = phase.name not in {PUSHED, UNBOUNDED}
        if bounded and phase.held_most > self.most:
            yield f"{phase.name}: the preview's queue held {phase.held_most}, above {self.most}"

    def table(self) -> Table:
        """Lay the figures out; waits as multiples of quiet, too."""
        columns = ("p50 ms", "p95 ms", "x quiet", "most held", "broker MiB", "slowest ms", "told")
        table = Table("the preview", *columns)
        quiet_ms = self.phases[0].wait_ms(0.95)
        for phase in self.phases:
            p50_ms, p95_ms = phase.wait_ms(0.5), phase.wait_ms(0.95)
            told = ", ".join(f"{count:,} {word}" for word, count in phase.told.items())
            table.add_row(
                phase.name,
                *(f"{p50_ms:.0f}", f"{p95_ms:.0f}", f"{p95_ms / max(quiet_ms, 1):.1f}"),
                *(f"{phase.held_most:,}", f"{phase.memory_most_mib:.0f}"),
                *(f"{phase.slowest_command_ms:.1f}", told),
            )
        return table

    def write(self, path: Path) -> None:
        """Write the figures as JSON."""
        path.write_text(json.dumps({**asdict(self), "problems": self.problems}, indent=1) + "\n")
