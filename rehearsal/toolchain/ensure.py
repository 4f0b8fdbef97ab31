"""Has every tool ready: from PATH, from the cache, or built here and now."""

import os
import shutil
import sys
import time
from collections.abc import Callable

from rehearsal.errors import RehearsalError
from rehearsal.toolchain.build import Builder
from rehearsal.toolchain.disk import MIB, free_mib, needed_mib, require_space, size_mib
from rehearsal.toolchain.folders import CacheFolders, cache_folders
from rehearsal.toolchain.go_toolchain import find_go, go_environ
from rehearsal.toolchain.lock import held
from rehearsal.toolchain.pins import KEDA_CRDS, PINS
from rehearsal.toolchain.progress import Progress, clock
from rehearsal.toolchain.survey import Survey, survey
from rehearsal.toolchain.tools import Tools, ToolStatus

Report = Callable[[str], None]


def ensure_tools(report: Report) -> Tools:
    """Return all tools, having built what was neither on PATH nor in the cache.

    `report` gets a line for each thing worth knowing, none if all is there. While Go runs on a
    terminal, its elapsed time is kept up to date on stderr. An interrupted build goes on from
    where it was at the next call.

    Raises RehearsalError where a tool cannot be had.
    """
    folders = cache_folders(os.environ)
    try:
        found = _survey(folders)
        if not found.complete:
            with held(folders.lock, report):
                # Another process may have built them while this one waited.
                found = _survey(folders)
                if not found.complete:
                    _build(found, report)
                    found = _survey(folders)
    except OSError as error:
        raise RehearsalError(
            what="the tool cache cannot be used",
            why=str(error),
            mend="mend the folder's rights, or set CELERY_FLEET_CACHE to another folder",
            where=folders.root,
        ) from error
    if not found.complete:
        raise RehearsalError(
            what="the tools were built and cannot be run",
            why="their folder forbids it (is its file system mounted `noexec`?) or loses data",
            mend="set CELERY_FLEET_CACHE to a folder on another file system",
            where=folders.bin,
        )
    return found.tools()


def tool_report() -> list[ToolStatus]:
    """Return what there is of each tool; builds nothing."""
    return _survey(cache_folders(os.environ)).statuses()


def trim(report: Report) -> None:
    """Remove what only serves builds: Go's caches and our own Go; the tools stay."""
    folders = cache_folders(os.environ)
    with held(folders.lock, report):
        freed_mib = size_mib(folders.go)
        if folders.go.exists():
            shutil.rmtree(folders.go)
    report(f"removed {folders.go}: {freed_mib / 1024:.1f} GiB freed")


def _survey(folders: CacheFolders) -> Survey:
    return survey(folders, os.environ.get("PATH", ""))


def _build(found: Survey, report: Report) -> None:
    folders, started = found.folders, time.monotonic()
    _announce(found, report)
    _prepare(folders)
    try:
        _run_builds(found, report)
    finally:
        shutil.rmtree(folders.unfinished, ignore_errors=True)
        shutil.rmtree(folders.go_scratch, ignore_errors=True)
    report(f"the tools are ready after {clock(time.monotonic() - started)}, in {folders.tools}")
    report(
        f"Go's caches in {folders.go} are kept, for a short next build (10 GiB once all tools "
        f"are built); `{sys.executable} -m rehearsal.toolchain --trim` frees them"
    )


def _run_builds(found: Survey, report: Report) -> None:
    folders, pins = found.folders, found.missing
    require_space(folders.root, pins, lambda: size_mib(folders.go), free_mib(folders.root))
    go = find_go(folders, report)
    progress = Progress(report, sys.stderr if sys.stderr.isatty() else None)
    builder = Builder(go, folders, go_environ(folders, go, os.environ), progress.tick)
    try:
        for number, pin in enumerate(pins, 1):
            progress.start(f"[{number}/{len(pins)}] {pin.tool} {pin.version}", pin.build_s)
            built_mib = builder.build(pin).stat().st_size // MIB
            progress.end(f"built ({built_mib} MiB)")
        if found.crds_missing:
            builder.copy_crds(KEDA_CRDS)
    finally:
        progress.clear()


def _announce(found: Survey, report: Report) -> None:
    for name in found.broken:
        report(f"{name}: the cached one does not match its checksum; it is built again")
    for tool, on_path in found.on_path.items():
        if on_path.problem and tool in {pin.tool for pin in found.missing}:
            report(f"{tool}: {on_path.path} is not used: {on_path.problem}")
    if found.missing:
        expected = clock(sum(pin.build_s for pin in found.missing))
        report(
            f"building {len(found.missing)} of {len(PINS)} tools, once: about {expected} "
            f"on 2 cores and up to {needed_mib(found.missing) / 1024:.0f} GiB of disk; "
            "Ctrl-C keeps what is done"
        )


def _prepare(folders: CacheFolders) -> None:
    """Make the folders, free of what an ended build left behind."""
    for leftover in (folders.unfinished, folders.go_scratch):
        shutil.rmtree(leftover, ignore_errors=True)
    for folder in (folders.unfinished, folders.go_scratch, folders.logs, folders.bin):
        folder.mkdir(parents=True, exist_ok=True)
