"""What happened while no command was there to tell it; each item is told once."""

import datetime as dt
import fcntl
import os
import time
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

_TAIL_LINES = 3
_TAIL_BYTES = 8192


class News(BaseModel):
    """One event; `process` is set for a death."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: float
    """Seconds since the epoch."""
    text: str
    process: str | None = None
    log: str | None = None
    tail: str = ""
    """The log's last lines at that moment."""


def add_news(path: Path, text: str, process: str | None = None, log: Path | None = None) -> None:
    """Append one item.

    Raises:
        OSError: the file cannot be written.

    """
    item = News(
        at=time.time(),
        text=text,
        process=process,
        log=None if log is None else str(log),
        tail="" if log is None else log_tail(log),
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(item.model_dump_json() + "\n")


def take_news(path: Path) -> list[News]:
    """Read all items and empty the file, so that nobody tells them again."""
    try:
        file = path.open("r+")
    except FileNotFoundError:
        return []
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = file.read().splitlines()
        file.truncate(0)
    return [_parse(line) for line in lines if line.strip()]


def render_news(items: Iterable[News], state_of: dict[str, str]) -> list[str]:
    """Say each note as it is and the deaths of each process in one line.

    `state_of` maps a process to what it does now.
    """
    ordered = sorted(items, key=lambda item: item.process or "")
    lines = []
    for process, group in groupby(ordered, key=lambda item: item.process):
        events = list(group)
        if process is None:
            lines += [item.text for item in events]
        else:
            lines.append(_deaths(process, events, state_of.get(process, "not running")))
    return lines


def log_tail(path: Path, lines: int = _TAIL_LINES) -> str:
    """Give the last lines of a log; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(line[:300] for line in text.rstrip().splitlines()[-lines:])


def describe_log(path: Path, lines: int = 5) -> str:
    """Say how a log ends, for an error's reason."""
    tail = log_tail(path, lines)
    return f"its log ends with:\n{tail}" if tail else "its log is empty"


def _deaths(process: str, events: list[News], state: str) -> str:
    last = events[-1]
    times = "" if len(events) == 1 else f" {len(events)} times, last"
    clock = dt.datetime.fromtimestamp(last.at, tz=dt.UTC).astimezone().strftime("%H:%M:%S")
    fate = "was restarted and runs" if state == "running" else f"is {state}"
    return f"{process} died{times} at {clock} ({last.text}) and {fate}; log: {last.log}"


def _parse(line: str) -> News:
    try:
        return News.model_validate_json(line)
    except ValidationError:
        return News(at=time.time(), text=f"an entry of the supervisor's news is broken: {line!r}")
