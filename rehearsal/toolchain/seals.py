"""Tells a cached tool that is as it was built from a broken one, by its checksum."""

import hashlib
import json
import os
import shutil
from enum import Enum
from pathlib import Path


class State(Enum):
    """What a cached tool is worth."""

    INTACT = "intact"
    ABSENT = "absent"
    BROKEN = "broken"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of a flat folder's names and contents."""
    if path.is_dir():
        lines = [f"{file.name} {digest(file)}" for file in sorted(path.iterdir())]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def install(built: Path, target: Path, record: Path) -> None:
    """Move what was built to its place; it is there whole, with its record, or not at all."""
    record.parent.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = record.with_suffix(".partial")
    partial.write_text(json.dumps({"sha256": digest(built), "stat": _stat(built)}))
    partial.replace(record)
    if target.is_dir():
        # Only an empty folder can be replaced.
        shutil.rmtree(target)
    built.replace(target)


def inspect(path: Path, record: Path) -> State:
    """Return whether a tool is as its record says.

    A file of unchanged size and time is not read again: hashing all tools takes 3 s.
    """
    if not path.exists():
        return State.ABSENT
    try:
        known = json.loads(record.read_text())
        sha256, stat = known["sha256"], known["stat"]
    except (OSError, ValueError, TypeError, KeyError):
        return State.BROKEN
    if path.is_file() and not os.access(path, os.X_OK):
        return State.BROKEN
    unchanged = path.is_file() and stat == _stat(path)
    return State.INTACT if unchanged or digest(path) == sha256 else State.BROKEN


def _stat(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]
