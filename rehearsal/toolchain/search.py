"""Which tools on PATH will do, and why the others will not."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rehearsal.toolchain.pins import PathRule, Pin
from rehearsal.toolchain.versions import Version, parse_version

VERSION_TIMEOUT_S = 10
"""A program that has not told its version by then is taken for broken."""


@dataclass(frozen=True)
class Found:
    """A tool on PATH; usable where there is no problem."""

    path: Path
    version: Version | None = None
    problem: str | None = None


def path_without(search_path: str, folder: Path) -> str:
    """Return a PATH without what lies under a folder: `fleet env` puts our own tools on PATH."""
    kept = [
        entry
        for entry in search_path.split(os.pathsep)
        if entry and not Path(entry).absolute().is_relative_to(folder)
    ]
    return os.pathsep.join(kept)


def search(pins: Iterable[Pin], search_path: str) -> dict[str, Found]:
    """Return what PATH has of the pinned tools, each with its problem if it has one."""
    pins = tuple(pins)
    found: dict[str, Found] = {}
    for pin in pins:
        path = shutil.which(pin.tool, path=search_path) if pin.on_path else None
        if pin.on_path and path:
            found[pin.tool] = judged(Path(path), printed_version(path, pin.on_path), pin.on_path)
    return _with_whole_sets_only(pins, found)


def judged(path: Path, printed: str, rule: PathRule) -> Found:
    """Return the tool with the problem that its version is, if any."""
    version = parse_version(printed)
    if version is None:
        return Found(path, None, f"`{path.name} {' '.join(rule.version_command)}` tells no version")
    if version < rule.minimum:
        return Found(path, version, f"older than {rule.minimum}: {rule.reason}")
    return Found(path, version)


def printed_version(path: str, rule: PathRule) -> str:
    """Return what a program prints when it is asked for its version; nothing, if it is broken."""
    environ = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [path, *rule.version_command],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environ,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout or done.stderr


def _with_whole_sets_only(pins: tuple[Pin, ...], found: Mapping[str, Found]) -> dict[str, Found]:
    """Return the tools with a problem added to those whose set is not whole."""
    kept = dict(found)
    sets: dict[str, list[str]] = {}
    for pin in pins:
        if pin.on_path and pin.on_path.together:
            sets.setdefault(pin.on_path.together, []).append(pin.tool)
    for name, tools in sets.items():
        problem = _set_problem(name, tools, found)
        if problem is None:
            continue
        for tool in tools:
            if tool in kept and kept[tool].problem is None:
                kept[tool] = replace(kept[tool], problem=problem)
    return kept


def _set_problem(name: str, tools: list[str], found: Mapping[str, Found]) -> str | None:
    for tool in tools:
        if tool not in found or found[tool].problem:
            return f"the {name} is used whole or not at all, and {tool} on PATH will not do"
    minors = {version[:2] for tool in tools if (version := found[tool].version)}
    if len(minors) > 1:
        return f"the {name}'s programs on PATH are of different minor versions"
    return None
