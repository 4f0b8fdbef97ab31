"""The figures as a table, a JSON file and a page."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.durability.outcome import Cell
from worker_image.confirm import CONFIRM_MS

_PAGE = """# Messages that were answered for, and the loss of the broker's machine

`python -m benchmarks.durability`: real Valkey servers and the fleet's own producer, which publishes
one message after the other to a queue that nobody consumes. A message is lost whose publish has
returned and that is not there afterwards; `worst` is the most that one kill lost. Columns `per s`,
`p50` and `p99` are of that one producer. One machine; no TLS.

**A primary that is lost.** It is killed (SIGKILL), and its one replica is promoted at once. The
replica follows over a relay of ours that holds everything back for the lag, either way, and drops
what it holds when the primary dies: it stands in for a primary that has not sent it yet. `stock` is
Redis' own asynchronous replication; `confirmed` is `broker.confirmReplicas: 1`, which sends a
`WAIT 1 {confirm_ms}` with each message.

{failover}

**A server without replica.** It is killed and starts again on its append-only file. That is not a
power cut: what it had written is still in the page cache, so that little or nothing is lost. What
a machine that dies would lose was not measured; `at risk` bounds it for a disk that keeps up: the
most that was answered in the second before a kill, since `everysec` has an fsync once a second, and
nothing with `always`, which has it before the answer.

{aof}

Acknowledgements of workers are not confirmed: those that a failover loses are of tasks that have
run, which run again.
"""
_FIGURES = ("per s", "p50", "p99", "kills", "answered", "lost")
_FAILOVER_HEAD = ("lag", "publishes", *_FIGURES, "worst")
_AOF_HEAD = ("appendfsync", *_FIGURES, "at risk")
_NAMES = ("lag", "publishes", "appendfsync")


@dataclass(frozen=True)
class Report:
    """The figures of one run."""

    publishing_s: float
    """Before each kill, at least."""
    failover: Mapping[str, Mapping[str, Cell]]
    """By lag, then by `stock` or `confirmed`."""
    aof: Mapping[str, Cell]
    """By `appendfsync`."""
    took_s: float

    @property
    def problems(self) -> list[str]:
        """What must not be: a loss where none may be, and a trial that would show none."""
        longest = list(self.failover)[-1]
        told = [
            f"confirmed publishes at a lag of {lag}: {ways['confirmed'].lost} lost"
            for lag, ways in self.failover.items()
            if ways["confirmed"].lost
        ]
        if not self.failover[longest]["stock"].lost:
            told.append(f"stock publishes at a lag of {longest}: none lost, so nothing is shown")
        if self.aof["always"].lost:
            told.append(f"appendfsync always: {self.aof['always'].lost} lost")
        return told

    def tables(self) -> Iterator[Table]:
        """Lay the figures out."""
        for title, head, rows in (
            ("primary killed, replica promoted", _FAILOVER_HEAD, self._failover_rows()),
            ("server killed, started again", _AOF_HEAD, self._aof_rows()),
        ):
            table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
            for name in head:
                table.add_column(name, justify="left" if name in _NAMES else "right")
            for row in rows:
                table.add_row(*row)
            yield table

    def write(self, path: Path) -> None:
        """Write the figures as JSON, and beside it as Markdown."""
        path.parent.mkdir(parents=True, exist_ok=True)
        told = asdict(self) | {"problems": self.problems}
        path.write_text(json.dumps(told, indent=1) + "\n")
        page = _PAGE.format(
            confirm_ms=CONFIRM_MS,
            failover=_lines(_FAILOVER_HEAD, self._failover_rows()),
            aof=_lines(_AOF_HEAD, self._aof_rows()),
        )
        path.with_suffix(".md").write_text(page)

    def _failover_rows(self) -> list[tuple[str, ...]]:
        return [
            (lag, way, *_figures(cell), f"{cell.worst:,}")
            for lag, ways in self.failover.items()
            for way, cell in ways.items()
        ]

    def _aof_rows(self) -> list[tuple[str, ...]]:
        return [
            (fsync, *_figures(cell), "0" if fsync == "always" else f"{cell.last_second:,}")
            for fsync, cell in self.aof.items()
        ]


def _figures(cell: Cell) -> tuple[str, ...]:
    return (
        f"{cell.publishes_per_s:,.0f}",
        f"{cell.p50_ms:.1f} ms",
        f"{cell.p99_ms:.1f} ms",
        f"{cell.kills}",
        f"{cell.answered:,}",
        f"{cell.lost:,}",
    )


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    marks = ["---" if name in _NAMES else "--:" for name in head]
    told = (head, marks, *rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in told)
