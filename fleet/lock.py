"""One `fleet up` or `fleet down` at a time on one state folder."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TextIO

from fleet.project import Project
from rehearsal.errors import RehearsalError


@contextmanager
def exclusively(project: Project, command: str) -> Iterator[None]:
    """Hold the lock of the state folder; the kernel frees it, however the holder ends.

    Raises:
        RehearsalError: naming the holder.

    """
    with _opened(project) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(project, file) from None
        _sign(file, command)
        yield
        file.truncate(0)


def _opened(project: Project) -> TextIO:
    try:
        project.state.mkdir(parents=True, exist_ok=True)
        return project.lock.open("a+")
    except OSError as error:
        raise RehearsalError(
            what="the state folder cannot be used",
            why=str(error),
            mend="put the state elsewhere with CELERY_FLEET_STATE=<folder>",
            where=project.state,
        ) from error


def _sign(file: TextIO, command: str) -> None:
    now = datetime.now().astimezone()
    file.truncate(0)
    json.dump({"pid": os.getpid(), "command": command, "since": now.isoformat()}, file)
    file.flush()


def _taken(project: Project, file: TextIO) -> RehearsalError:
    file.seek(0)
    try:
        holder = json.load(file)
        since = datetime.fromisoformat(holder["since"]).strftime("%H:%M:%S")
        who, pid = f"`{holder['command']}` (pid {holder['pid']}, since {since})", holder["pid"]
    except (ValueError, KeyError):
        # Between taking the lock and signing it.
        who, pid = "another command", "of it"
    return RehearsalError(
        what=f"{who} is at work on this state folder",
        why="two at once would start the same processes and lock the same stack",
        mend=f"wait for it, or end it with: kill -INT {pid}",
        where=project.lock,
    )
