"""The one error a person sees: what failed, where, why, and how to mend it."""

from dataclasses import dataclass
from pathlib import Path


# Not frozen: `contextlib` sets `__traceback__` on what passes through a context manager.
@dataclass(unsafe_hash=True)
class RehearsalError(Exception):
    """A failure of the rehearsal, told in four parts; commands print it and exit 1."""

    what: str
    why: str
    mend: str
    where: str | Path | None = None
    """The file, port or log that the failure is about."""

    def __str__(self) -> str:
        where = f"\n  where: {self.where}" if self.where is not None else ""
        return f"{self.what}{where}\n  why: {self.why}\n  mend: {self.mend}"
