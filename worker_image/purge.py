"""Removes what has lain untouched too long from one folder, and nothing outside it."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

_DAY_S = 86_400
# A result lies in Redis; the first names tell enough of ten thousand.
NAMES_MAX = 100


@dataclass(frozen=True)
class Purged:
    """What was removed, or would have been."""

    names: tuple[str, ...]
    freed_bytes: int


def purge(folder: Path, older_than_days: float, *, dry_run: bool) -> Purged:
    """Remove entries of a folder whose newest file is older than so many days.

    Symbolic links are left alone, in the folder and as the folder: they may lead anywhere.
    """
    if folder.is_symlink() or not folder.is_dir():
        return Purged((), 0)
    limit = time.time() - older_than_days * _DAY_S
    names, freed_bytes = [], 0
    for entry in sorted(folder.iterdir()):
        found = _measure(entry)
        if found is None or found[0] > limit:
            continue
        if not dry_run:
            _remove(entry)
        names.append(entry.name)
        freed_bytes += found[1]
    return Purged(tuple(names), freed_bytes)


def _measure(entry: Path) -> tuple[float, int] | None:
    """Return newest change (Unix time) and size in bytes; None for a link or if it is gone."""
    if entry.is_symlink():
        return None
    files = [file for file in entry.rglob("*") if not file.is_symlink()] if entry.is_dir() else []
    try:
        stats = [file.stat() for file in (entry, *files)]
    except FileNotFoundError:
        # Another delivery of the same task removes it right now, or a task replaces a file:
        # either way it is not ours this time.
        return None
    size_bytes = sum(stat.st_size for stat in stats if S_ISREG(stat.st_mode))
    return max(stat.st_mtime for stat in stats), size_bytes


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=False)
    else:
        entry.unlink(missing_ok=True)
