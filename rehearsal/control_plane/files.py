"""Files of the state folder: written whole or not at all, readable by their owner only."""

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from rehearsal.errors import RehearsalError

_MENDS = {
    errno.ENOSPC: "free some disk space, then run the command again",
    errno.EDQUOT: "free some of your disk quota, then run the command again",
    errno.EACCES: "make the state folder yours and writable, then run the command again",
    errno.EPERM: "make the state folder yours and writable, then run the command again",
    errno.EROFS: "put the checkout on a file system that can be written",
    errno.EEXIST: "remove the file that stands where a folder is needed",
    errno.ENOTDIR: "remove the file that stands where a folder is needed",
}


def write_atomically(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Replace `path` by `content`; readers see the old file or the new one, never a part.

    Raises:
        RehearsalError: the disk is full or the folder cannot be written.

    """
    data = content.encode() if isinstance(content, str) else content
    try:
        _replace(path, data, mode)
    except OSError as error:
        raise cannot_write(path, error) from error


def write_if_changed(path: Path, content: str | bytes) -> None:
    """Write as `write_atomically` does, unless the file says so already.

    Raises:
        RehearsalError: the disk is full or the folder cannot be written.

    """
    data = content.encode() if isinstance(content, str) else content
    if not path.exists() or path.read_bytes() != data:
        write_atomically(path, data)


def make_folder(path: Path) -> None:
    """Make `path` for its owner only.

    Raises:
        RehearsalError: the disk is full or the parent cannot be written.

    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> RehearsalError:
    """Say why the state folder refused a write, and how to mend it."""
    return RehearsalError(
        what="The rehearsal cannot write its state folder.",
        why=error.strerror or str(error),
        mend=_MENDS.get(error.errno or 0, "mend the file system, then run the command again"),
        where=path,
    )


def _replace(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
