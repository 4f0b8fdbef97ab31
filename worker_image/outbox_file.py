"""Tasks that the API has accepted and not sent yet: a SQLite file of each process, in one folder.

A row is on disk before its request is answered: a rollback journal, and EXTRA, which syncs the
folder too once the journal is gone (FULL may lose the last commit with the power). No WAL, whose
shared memory does not work over a network. A process holds its file by flock, and takes over the
files of those that are gone. The lock is on a file beside it: over NFSv4.1, which EFS speaks, flock
is a range lock of the whole file, and would shut out SQLite's own locks. A lock goes with its
process; with a machine that is lost, once its lease on the server has run out.
"""

import fcntl
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from uuid import uuid4

from worker_image.broker import BrokerAwayError
from worker_image.once import KeyReusedError

MAX_ROWS = 10_000
MAX_BYTES = 64 * 2**20

# No unique key: files of two pods may hold two requests under one.
_TABLES = """
CREATE TABLE IF NOT EXISTS stored (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL UNIQUE,
    once_key TEXT,
    stored_at REAL NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS stored_by_key ON stored (once_key);
"""
_COPY = "INSERT OR IGNORE INTO stored (task_id, once_key, stored_at, message) VALUES (?, ?, ?, ?)"

logger = logging.getLogger(__name__)


class NotStoredError(BrokerAwayError):
    """The broker is away, and the request could not be kept for it either."""


@dataclass(frozen=True)
class Row:
    """One accepted task."""

    place: int
    """Rows are sent in this order."""
    task_id: str
    message: str
    """JSON of the message."""


@dataclass(frozen=True)
class Filling:
    """What the file holds."""

    rows: int
    """Tasks that are not sent yet."""
    size_bytes: int
    """Of their messages."""
    oldest_at: float | None
    """When the oldest was stored, Unix time; None where there is none."""


class OutboxFile:
    """A process's own file; safe to share between threads."""

    def __init__(self, folder: Path, owner: str) -> None:
        """Make a file in the folder, and the folder; nobody but the fleet's user may read it.

        Raises:
            OSError, sqlite3.Error: the folder cannot be written, or has no locks.

        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path, self._lock_fd = _claimed(folder, owner)
        os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(self.path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("PRAGMA synchronous = EXTRA")
        self._db.executescript(_TABLES)
        self._one_at_a_time = Lock()
        self._count()

    def close(self) -> None:
        """Let go of the file; what it holds is another process's to send."""
        self._db.close()
        os.close(self._lock_fd)

    def add(self, task_id: str, key: str | None, message: str) -> None:
        """Keep a task until it is sent; one that is there already is there once.

        Raises:
            KeyReusedError: another request is stored under the key.
            NotStoredError: there is no room, or the disk takes nothing.

        """
        with self._one_at_a_time, _told():
            if key is not None and (found := self._ids_under(key)):
                if task_id not in found:
                    raise KeyReusedError(
                        f"Idempotency-Key {key!r} is used by another request: take a new key"
                    )
                return
            if self.rows >= MAX_ROWS or self._size_bytes + len(message) > MAX_BYTES:
                raise NotStoredError(
                    f"the broker does not answer, and {self.rows} requests of "
                    f"{self._size_bytes} bytes are stored already (at most {MAX_ROWS}, {MAX_BYTES})"
                )
            with self._db:
                self._db.execute(_COPY, (task_id, key, time.time(), message))
            self.rows += 1
            self._size_bytes += len(message)

    def head(self, limit: int) -> list[Row]:
        """Return the rows to be sent next, in their order."""
        asked = "SELECT place, task_id, message FROM stored ORDER BY place LIMIT ?"
        with self._one_at_a_time:
            return [Row(*found) for found in self._db.execute(asked, (limit,))]

    def remove(self, rows: Sequence[Row]) -> None:
        """Forget rows that were sent."""
        with self._one_at_a_time:
            with self._db:
                self._db.executemany(
                    "DELETE FROM stored WHERE place = ?", [(row.place,) for row in rows]
                )
            self.rows -= len(rows)
            self._size_bytes -= sum(len(row.message) for row in rows)

    def holds(self, task_id: str) -> bool:
        """Whether a task is not sent yet."""
        asked = "SELECT 1 FROM stored WHERE task_id = ?"
        with self._one_at_a_time:
            return self.rows > 0 and self._db.execute(asked, (task_id,)).fetchone() is not None

    def filling(self) -> Filling:
        """Return what is stored."""
        with self._one_at_a_time:
            (oldest_at,) = self._db.execute("SELECT min(stored_at) FROM stored").fetchone()
            return Filling(self.rows, self._size_bytes, oldest_at)

    def adopt(self) -> None:
        """Take over the files of processes that are gone; one that cannot be read stays there.

        Broken off, it takes the same rows again later; by their marks they are sent once.
        """
        for lock in sorted(self.path.parent.glob("outbox-*.sqlite.lock")):
            left = lock.with_suffix("")
            if left == self.path or (held := _locked(lock)) is None:
                continue
            try:
                self._take_over(left)
                left.unlink()
                lock.unlink()
            except (OSError, sqlite3.Error):
                logger.exception("%s is left where it is", left)
            finally:
                os.close(held)

    def _take_over(self, left: Path) -> None:
        asked = "SELECT task_id, once_key, stored_at, message FROM stored ORDER BY place"
        with closing(sqlite3.connect(left)) as other:
            other.executescript(_TABLES)
            rows = other.execute(asked).fetchall()
        with self._one_at_a_time:
            with self._db:
                self._db.executemany(_COPY, rows)
            self._count()
        logger.info("%s is taken over, with %d stored requests", left, len(rows))

    def _ids_under(self, key: str) -> set[str]:
        found = self._db.execute("SELECT task_id FROM stored WHERE once_key = ?", (key,))
        return {task_id for (task_id,) in found}

    def _count(self) -> None:
        counted = "SELECT count(*), coalesce(sum(length(message)), 0) FROM stored"
        self.rows, self._size_bytes = self._db.execute(counted).fetchone()


def open_or_exit(folder: Path, owner: str) -> OutboxFile:
    """Return a process's file; end the process, exit code 1, where none can be kept."""
    try:
        return OutboxFile(folder, owner)
    except (OSError, sqlite3.Error) as error:
        sys.exit(
            f"worker_image cannot start:\nFLEET_OUTBOX_DIR is '{folder}': {error}: what is "
            "accepted while the broker is away could not be kept there"
        )


def _claimed(folder: Path, owner: str) -> tuple[Path, int]:
    """A name that no process has, and the lock on it."""
    while True:
        path = folder / f"outbox-{owner}-{uuid4().hex[:8]}.sqlite"
        lock = path.with_name(f"{path.name}.lock")
        lock.touch(mode=0o600, exist_ok=False)
        if (held := _locked(lock)) is not None:
            return path, held


def _locked(lock: Path) -> int | None:
    """The lock's descriptor; None where another process holds it, or has just removed it."""
    try:
        opened = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(lock.stat(), os.fstat(opened)):
            return opened
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(opened)
        raise
    os.close(opened)
    return None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise NotStoredError(
            f"the broker does not answer, and the request cannot be stored: {error}"
        ) from error
