"""What a run of the image's benchmark came to."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.image.speed import Speed, Wait
from benchmarks.image.weight import Idle

START_MOST_S = 1.5
RATIO_LEAST = 0.95
_LONGEST = 60
_SHELLS = ("/bin/sh", "/bin/bash")
# Build arguments, counted, stand before the shell.
_SHELL = re.compile(r"^(\|\d+ .*?)?/bin/sh -c ", re.DOTALL)
_COPIED = re.compile(r"#\(nop\) (?:COPY|ADD) \w+:[0-9a-f]+ in (\S+)")

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class LayerWeight:
    """A layer of the image and what made it."""

    made_by: str
    mib: float


@dataclass(frozen=True)
class Part:
    """A part of the figures, as a table; the first column names the rows."""

    title: str
    heads: Sequence[str]
    rows: Rows


@dataclass(frozen=True)
class Report:
    """The figures of one run."""

    layers: Sequence[LayerWeight]
    """Empty where no image was built."""
    starts_s: dict[str, float]
    """Seconds to the first result, by where the worker ran."""
    idle: Sequence[Idle]
    speeds: Sequence[Speed]
    waits: Sequence[Wait]
    pairs: int
    """Of blocks, behind each ratio."""
    took_s: float

    @property
    def problems(self) -> list[str]:
        """Figures that miss their target."""
        late = [
            f"a worker in {where} has its first result after {took_s:.2f} s, above {START_MOST_S}"
            for where, took_s in self.starts_s.items()
            if where != "plain" and took_s > START_MOST_S
        ]
        slow = [
            f"{each.shape} does {each.ratio:.2f} of a plain app's tasks of "
            f"{1000 * each.task_s:g} ms, below {RATIO_LEAST}"
            for each in self.speeds
            if each.ratio < RATIO_LEAST
        ]
        return late + slow

    @property
    def parts(self) -> list[Part]:
        """Every table of the result."""
        memory = [
            (each.shape, f"{each.main_rss_mib:.0f}", f"{each.pss_mib:.0f}") for each in self.idle
        ]
        starts = [(where, f"{took_s:.2f}") for where, took_s in self.starts_s.items()]
        return [
            Part(
                f"Throughput, median of {self.pairs} pairs of blocks",
                ("pool", "task ms", "plain/s", "fleet/s", "ratio", "quartiles"),
                [_speed_row(each) for each in self.speeds],
            ),
            Part(
                "Push to start, one message at a time, p50 / p95",
                ("pool", "plain ms", "fleet ms"),
                list(_wait_rows(self.waits)),
            ),
            Part("Start of a worker to its first result", ("worker in", "s"), starts),
            Part("Idle worker of the fleet", ("pool", "main RSS MiB", "all PSS MiB"), memory),
            *self._image(),
        ]

    def tables(self) -> Iterator[Table]:
        """Lay the figures out."""
        for part in self.parts:
            table = Table(title=part.title, title_justify="left", box=SIMPLE_HEAD)
            for number, head in enumerate(part.heads):
                table.add_column(head, justify="right" if number else "left")
            for row in part.rows:
                table.add_row(*row)
            yield table

    def write(self, path: Path) -> None:
        """Write the figures as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{json.dumps(asdict(self), indent=1)}\n")

    def _image(self) -> list[Part]:
        if not self.layers:
            return []
        total = sum(layer.mib for layer in self.layers)
        rows = [(instruction(layer.made_by), f"{layer.mib:.1f}") for layer in self.layers]
        return [Part(f"Image, {total:.0f} MiB", ("layer made by", "MiB"), rows)]


def instruction(made_by: str) -> str:
    """Return how a Dockerfile says what buildah or docker tell of a layer's making."""
    if made_by in _SHELLS:
        return "the base"
    copied = _COPIED.search(made_by)
    told = f"COPY {copied[1]}" if copied else f"RUN {_SHELL.sub('', made_by)}"
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 3]}..."


def _speed_row(speed: Speed) -> tuple[str, ...]:
    low, high = speed.ratio_range
    return (
        speed.shape,
        f"{1000 * speed.task_s:g}",
        f"{speed.plain_per_s:.0f}",
        f"{speed.fleet_per_s:.0f}",
        f"{speed.ratio:.2f}",
        f"{low:.2f} to {high:.2f}",
    )


def _wait_rows(waits: Sequence[Wait]) -> Iterator[tuple[str, ...]]:
    for plain, fleet in zip(waits[::2], waits[1::2], strict=True):
        yield (plain.shape, *(f"{each.p50_ms:.1f} / {each.p95_ms:.1f}" for each in (plain, fleet)))
