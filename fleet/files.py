"""Writes files so that a reader, or a crash, never meets half of one."""

import os
from pathlib import Path

OWNER_ONLY = 0o600


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace the file as a whole; it never exists with wider rights than `mode`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
