"""Never two supervisors on one state folder: a lock that lives as long as its holder."""

import fcntl
import os
from pathlib import Path

from pydantic import ValidationError

from rehearsal.control_plane.files import cannot_write
from rehearsal.supervisor.identity import Identity


def take_lock(path: Path) -> int | None:
    """Lock the file; None when another supervisor holds it.

    The kernel frees it when the last process that inherited the descriptor ends.

    Raises:
        RehearsalError: the state folder cannot be written.

    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def name_holder(descriptor: int, holder: Identity) -> None:
    """Write the holder into the locked file."""
    content = holder.model_dump_json().encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content, 0)


def lock_holder(path: Path) -> Identity | None:
    """Give the living supervisor; asks the process table, so that asking never locks."""
    try:
        holder = Identity.model_validate_json(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValidationError, UnicodeDecodeError):
        return None
    return holder if holder.alive else None
