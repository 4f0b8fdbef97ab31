"""Where runs are kept between sessions: one file for each, by what was run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from benchmarks.live.arms import arm
from benchmarks.live.record import RunRecord, load
from benchmarks.live.scenario import Scenario


@dataclass(frozen=True)
class Store:
    """Runs of one scenario; a run of other settings than today's is left alone and not read."""

    folder: Path
    scenario: Scenario

    def path(self, name: str, block: int) -> Path:
        """Where a run of one policy in one block lies."""
        own = arm(self.scenario, name)
        stated = [self.scenario.model_dump_json(), own.settings, own.deployment, own.scaled_object]
        mark = sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:8]
        return self.folder / self.scenario.name / f"{block:02d}-{name}-{mark}.json"

    def read(self, name: str, block: int) -> RunRecord | None:
        """Return a kept run; None where there is none."""
        path = self.path(name, block)
        return load(path) if path.is_file() else None

    def runs(self, name: str, blocks: int) -> Iterator[RunRecord]:
        """Every kept run of one policy."""
        for block in range(blocks):
            found = self.read(name, block)
            if found is not None:
                yield found

    def drop(self, name: str, block: int) -> None:
        """Forget a run."""
        self.path(name, block).unlink(missing_ok=True)
