"""The fleet's shared data folder: paths that stay inside it, files that are whole or absent."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from worker_image.settings import current


class OutsideError(ValueError):
    """A path that leads out of the data folder."""


def data_dir() -> Path:
    """Return FLEET_DATA_DIR."""
    return current().environment.data_dir


def inside(root: Path, path: str) -> Path:
    """Resolve a path, relative to the root or absolute, and refuse one that leads out of it.

    Raises:
        OutsideError: also when a symbolic link leads out.

    """
    resolved = (root / path).resolve()
    if not resolved.is_relative_to(root.resolve()):
        raise OutsideError(f"path {path!r} is outside the data folder")
    return resolved


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place once the block has ended well.

    No reader and no crash ever shows it half done; after an error nothing has changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=".partial-", delete=False) as partial:
        try:
            yield partial
            partial.flush()
            os.fsync(partial.fileno())
            Path(partial.name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(partial.name).unlink()
            raise


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that no reader and no crash ever shows half done."""
    with whole_file(path) as file:
        file.write(content)


def write_json(path: Path, content: object) -> None:
    """Write a JSON file atomically; the same bytes for the same content."""
    write_atomically(path, json.dumps(content, indent=2, sort_keys=True).encode() + b"\n")


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one task at a time work on a path, across processes and pods; others wait.

    The lock is the kernel's and ends with its process; the file beside the path stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
