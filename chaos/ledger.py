"""The ledger of one run: SQLite, outside the broker, written by producers, tasks and faults alike.

Each write is a transaction of its own over a connection of its own: a process may be killed at any
moment, or forked, and leaves no lock and no half a line.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATH_VARIABLE = "CHAOS_LEDGER"
"""Environment variable by which a worker or a producer finds the file."""

# Longer than any fault stops a process that might be writing.
_BUSY_S = 60.0
_TABLES = """
CREATE TABLE IF NOT EXISTS published (
    id TEXT PRIMARY KEY, queue TEXT, kind TEXT, episode TEXT, seconds REAL, asked_at REAL, at REAL,
    error TEXT);
CREATE TABLE IF NOT EXISTS execution (
    number INTEGER PRIMARY KEY, id TEXT, attempt INTEGER, worker TEXT, began_at REAL,
    ended_at REAL, outcome TEXT);
CREATE INDEX IF NOT EXISTS execution_id ON execution (id);
CREATE TABLE IF NOT EXISTS effect (id TEXT, at REAL, applied INTEGER);
CREATE INDEX IF NOT EXISTS effect_id ON effect (id);
CREATE TABLE IF NOT EXISTS fault (
    number INTEGER, name TEXT, episode TEXT, injected_at REAL, healed_at REAL, victims TEXT,
    excuses TEXT, done_at REAL);
CREATE TABLE IF NOT EXISTS ended_worker (worker TEXT, code INTEGER, at REAL);
CREATE TABLE IF NOT EXISTS tick (id TEXT, at REAL);
"""


def now() -> float:
    """Unix time of this machine, also where a worker's `time.time` is shifted."""
    return time.clock_gettime(time.CLOCK_REALTIME)


@dataclass(frozen=True)
class Entry:
    """A message as its producer means it."""

    id: str
    queue: str
    kind: str
    episode: str
    seconds: float


@dataclass(frozen=True)
class Ledger:
    """Writes lines; `chaos.record` reads them."""

    path: Path

    def create(self) -> None:
        """Make the file; whoever does keeps it until the run ends."""
        with self.connected() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_TABLES)

    def published(self, entry: Entry, asked_at: float, error: str | None = None) -> None:
        """Write down that publishing has returned, or how it failed."""
        told = (entry.id, entry.queue, entry.kind, entry.episode, entry.seconds)
        self._write(
            "INSERT INTO published VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *told, asked_at, now(), error
        )

    def began(self, task_id: str, attempt: int, worker: str) -> int:
        """Write down a start; its number ends it."""
        return self._write(
            "INSERT INTO execution (id, attempt, worker, began_at) VALUES (?, ?, ?, ?)",
            *(task_id, attempt, worker, now()),
        )

    def ended(self, execution: int, outcome: str) -> None:
        """Write down an end: `committed` or `retried`."""
        self._write(
            "UPDATE execution SET ended_at = ?, outcome = ? WHERE number = ?",
            *(now(), outcome, execution),
        )

    def effect(self, task_id: str) -> None:
        """Have the task's effect under its key: applied the first time, withheld after that."""
        self._write(
            "INSERT INTO effect SELECT ?, ?, NOT EXISTS "
            "(SELECT 1 FROM effect WHERE id = ? AND applied)",
            *(task_id, now(), task_id),
        )

    def tick(self, task_id: str) -> None:
        """Write down a run of what beat sends."""
        self._write("INSERT INTO tick VALUES (?, ?)", task_id, now())

    def ended_worker(self, worker: str, code: int) -> None:
        """Write down how a worker's process ended; below 0: by that signal."""
        self._write("INSERT INTO ended_worker VALUES (?, ?, ?)", worker, code, now())

    def fault(self, number: int, name: str, episode: str, victims: Sequence[str]) -> int:
        """Write down that a fault strikes now; its line is what heals it."""
        return self._write(
            "INSERT INTO fault VALUES (?, ?, ?, ?, NULL, ?, '{}', NULL)",
            *(number, name, episode, now(), json.dumps(list(victims))),
        )

    def injected(self, fault: int) -> None:
        """Write down that all of a fault has come: what it hits answers no more."""
        self._write("UPDATE fault SET done_at = ? WHERE rowid = ?", now(), fault)

    def healed(self, fault: int, victims: Sequence[str], excuses: Mapping[str, object]) -> None:
        """Write down that a fault is over, whom it hit after all, and what that excuses."""
        self._write(
            "UPDATE fault SET healed_at = ?, victims = ?, excuses = ? WHERE rowid = ?",
            *(now(), json.dumps(list(victims)), json.dumps(excuses), fault),
        )

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """A connection for one use, in which each statement is a transaction."""
        db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous=NORMAL")
            yield db
        finally:
            db.close()

    def _write(self, statement: str, *values: object) -> int:
        with self.connected() as db:
            return db.execute(statement, values).lastrowid or 0
