"""Refuses a build that the disk has no room for, before it fills the disk."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.toolchain.pins import MODULE_DISK_MIB, Pin

MIB = 2**20
BINARY_MIB = 180
"""The largest binary, keda-operator, rounded up."""
LINK_MIB = 1_000
"""Go's scratch space for the largest link."""


def needed_mib(pins: Iterable[Pin]) -> int:
    """Return what building these tools from empty caches takes, MiB."""
    pins = tuple(pins)
    modules = {pin.module for pin in pins}
    sources = sum(MODULE_DISK_MIB[module] for module in modules)
    return sources + LINK_MIB + BINARY_MIB * len(pins)


def require_space(
    folder: Path, pins: Iterable[Pin], cached_mib: Callable[[], int], free_mib: int
) -> None:
    """Raise RehearsalError where free space and what Go's caches hold do not suffice.

    `cached_mib` is only asked where free space alone is too little: it walks 200 000 files.
    """
    needed = needed_mib(pins)
    if free_mib >= needed or free_mib + cached_mib() >= needed:
        return
    raise RehearsalError(
        what="the disk has too little room to build the rehearsal's tools",
        why=f"Go's sources and compiled packages need {needed / 1024:.1f} GiB once, "
        f"and {free_mib / 1024:.1f} GiB are free",
        mend="free some space, or set CELERY_FLEET_CACHE to a folder on a larger disk",
        where=folder,
    )


def free_mib(folder: Path) -> int:
    """Return the free space on a folder's disk, MiB."""
    return shutil.disk_usage(folder).free // MIB


def size_mib(folder: Path) -> int:
    """Return what the files below a folder take, MiB."""
    files = (Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
    return sum(file.lstat().st_size for file in files) // MIB
