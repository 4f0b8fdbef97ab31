"""Looks the pins of a lock up in a clone of PyPA's advisory database: no network is needed.

Each package has a folder of files in the OSV format, `vulns/<name>/PYSEC-*.yaml`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

from supply.locks import Pin, SupplyError, read


@dataclass(frozen=True)
class Hole:
    """A known vulnerability of a pinned version."""

    package: str
    version: str
    id: str
    fixed_in: tuple[str, ...]
    lock: str

    def __str__(self) -> str:
        mend = " or ".join(self.fixed_in) or "no release yet"
        return f"{self.lock}: {self.package} {self.version} has {self.id}, mended in {mend}"


def known_holes(lock: str, database: Path) -> list[Hole]:
    """Return the holes of a lock's pins that a clone knows of.

    Raises:
        SupplyError: where the folder is no such clone.

    """
    if not any((database / "vulns").glob("*/*.yaml")):
        raise SupplyError(f"{database} has no vulns/*/*.yaml: it is no clone of advisory-database")
    return [hole for pin in read(lock) for hole in _of(pin, lock, database)]


def _of(pin: Pin, lock: str, database: Path) -> Iterator[Hole]:
    for file in sorted((database / "vulns" / pin.name).glob("*.yaml")):
        advisory = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
        if advisory.get("withdrawn"):
            continue
        affected = [each for each in advisory["affected"] if _is_hit(each, pin.version)]
        if affected:
            fixes = (event for each in affected for event in _events(each) if "fixed" in event)
            yield Hole(
                pin.name,
                pin.version,
                advisory["id"],
                tuple(sorted({event["fixed"] for event in fixes})),
                lock,
            )


def _is_hit(affected: Mapping[str, Any], version: str) -> bool:
    """Say whether a version is named, or lies in a range; one event follows the other in each."""
    if version in affected.get("versions", ()):
        return True
    hit = False
    for event in _events(affected):
        for kind, bound in event.items():
            if _at_least(version, bound, beyond=kind == "last_affected"):
                hit = kind == "introduced"
    return hit


def _events(affected: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    for each in affected.get("ranges", ()):
        # Those of type GIT name commits.
        if each["type"] == "ECOSYSTEM":
            yield from each["events"]


def _at_least(version: str, bound: str, *, beyond: bool) -> bool:
    try:
        mine, theirs = Version(version), Version(bound)
    except InvalidVersion as error:
        raise SupplyError(f"an advisory names a version that cannot be compared: {error}") from None
    return mine > theirs if beyond else mine >= theirs
