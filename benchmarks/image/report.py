"""What a run of the image's benchmark came to."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.image.speed import Speed
from benchmarks.image.weight import Idle

START_MOST_S = 1.5
RATIO_LEAST = 0.95
_LONGEST = 60


@dataclass(frozen=True)
class LayerWeight:
    """A layer of the image and what made it."""

    made_by: str
    mib: float


@dataclass(frozen=True)
class Report:
    """The figures of one run; a part that was left out is empty."""

    layers: Sequence[LayerWeight]
    starts_s: dict[str, float]
    """Seconds to the first result, by where the worker ran."""
    idle: Sequence[Idle]
    speeds: Sequence[Speed]

    @property
    def ratios(self) -> dict[str, float]:
        """Fleet to plain throughput, by shape."""
        per_s = {(each.shape, each.arm): each.per_s for each in self.speeds}
        shapes = dict.fromkeys(each.shape for each in self.speeds)
        return {shape: per_s[shape, "fleet"] / per_s[shape, "plain"] for shape in shapes}

    @property
    def problems(self) -> list[str]:
        """Figures that miss their target."""
        late = [
            f"a worker in {where} has its first result after {took_s:.2f} s, above {START_MOST_S}"
            for where, took_s in self.starts_s.items()
            if where != "plain" and took_s > START_MOST_S
        ]
        slow = [
            f"{shape} does {ratio:.2f} of a plain app's tasks, below {RATIO_LEAST}"
            for shape, ratio in self.ratios.items()
            if ratio < RATIO_LEAST
        ]
        return late + slow

    def tables(self) -> list[Table]:
        """Lay the figures out."""
        found = []
        if self.layers:
            total = sum(layer.mib for layer in self.layers)
            layers = _table(f"image, {total:.0f} MiB", "made by", "MiB")
            for layer in self.layers:
                layers.add_row(layer.made_by[:_LONGEST], f"{layer.mib:.1f}")
            found.append(layers)
        starts = _table("start to first result", "worker in", "s")
        for where, took_s in self.starts_s.items():
            starts.add_row(where, f"{took_s:.2f}")
        memory = _table("idle worker", "pool", "main RSS MiB", "all PSS MiB")
        for each in self.idle:
            memory.add_row(each.shape, f"{each.main_rss_mib:.0f}", f"{each.pss_mib:.0f}")
        return [*found, starts, memory, *([self._speeds()] if self.speeds else [])]

    def write(self, path: Path) -> None:
        """Write the figures as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**asdict(self), "ratios": self.ratios}, indent=2)
        path.write_text(f"{text}\n")

    def _speeds(self) -> Table:
        table = _table(
            "tasks of 5 ms", "pool", "plain/s", "fleet/s", "ratio", "plain wait ms", "fleet wait ms"
        )
        by = {(each.shape, each.arm): each for each in self.speeds}
        for shape, ratio in self.ratios.items():
            plain, fleet = by[shape, "plain"], by[shape, "fleet"]
            table.add_row(
                shape,
                f"{plain.per_s:.0f}",
                f"{fleet.per_s:.0f}",
                f"{ratio:.2f}",
                *(f"{each.wait_p50_ms:.1f}/{each.wait_p95_ms:.1f}" for each in (plain, fleet)),
            )
        return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table
