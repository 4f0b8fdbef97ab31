"""The fleet's shared data folder: paths that stay inside it, files that are whole or absent."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

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


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that no reader and no crash ever shows half done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=".partial-", delete=False) as partial:
        try:
            partial.write(content)
            partial.flush()
            os.fsync(partial.fileno())
            Path(partial.name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(partial.name).unlink()
            raise
