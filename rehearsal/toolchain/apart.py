"""Tools with a cache of their own: a change of their pins builds nothing else anew."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from rehearsal.toolchain.build import Builder
from rehearsal.toolchain.disk import free_mib, require_space, size_mib
from rehearsal.toolchain.folders import CacheFolders, folders_of
from rehearsal.toolchain.go_toolchain import find_go, go_environ
from rehearsal.toolchain.lock import held
from rehearsal.toolchain.pins import Pin
from rehearsal.toolchain.progress import Progress, clock
from rehearsal.toolchain.seals import State, inspect
from rehearsal.toolchain.search import path_without, search


def ensure_apart(pins: Iterable[Pin], report: Callable[[str], None]) -> Mapping[str, Path]:
    """Return each tool's place by its name, having built those that neither PATH nor cache has.

    The pins given together share a cache, which no other tools share.

    Raises RehearsalError where one cannot be had.
    """
    pins = tuple(pins)
    folders = folders_of(pins, os.environ)
    search_path = path_without(os.environ.get("PATH", ""), folders.tools.parent)
    found = search(pins, search_path)
    on_path = {tool: each.path for tool, each in found.items() if each.problem is None}
    wanted = [pin for pin in pins if pin.tool not in on_path]
    if _missing(wanted, folders):
        with held(folders.lock, report):
            # Another process may have built them while this one waited.
            _build(_missing(wanted, folders), folders, report)
    return {pin.tool: folders.bin / pin.tool for pin in wanted} | on_path


def _missing(pins: Iterable[Pin], folders: CacheFolders) -> list[Pin]:
    return [
        pin
        for pin in pins
        if inspect(folders.bin / pin.tool, folders.seals / pin.tool) is not State.INTACT
    ]


def _build(pins: list[Pin], folders: CacheFolders, report: Callable[[str], None]) -> None:
    if not pins:
        return
    require_space(folders.root, pins, lambda: size_mib(folders.go), free_mib(folders.root))
    for folder in (folders.unfinished, folders.go_scratch, folders.logs, folders.bin):
        folder.mkdir(parents=True, exist_ok=True)
    go = find_go(folders, report)
    progress = Progress(report, sys.stderr if sys.stderr.isatty() else None)
    builder = Builder(go, folders, go_environ(folders, go, os.environ), progress.tick)
    expected = clock(sum(pin.build_s for pin in pins))
    report(f"building {', '.join(pin.tool for pin in pins)}, once: about {expected} on 2 cores")
    try:
        for number, pin in enumerate(pins, 1):
            progress.start(f"[{number}/{len(pins)}] {pin.tool} {pin.version}", pin.build_s)
            builder.build(pin)
            progress.end("built")
    finally:
        progress.clear()
        shutil.rmtree(folders.unfinished, ignore_errors=True)
        shutil.rmtree(folders.go_scratch, ignore_errors=True)
