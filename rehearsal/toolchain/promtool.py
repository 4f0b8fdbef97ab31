"""Has promtool ready, with which tests check alert rules: from PATH, from the cache, or built."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rehearsal.toolchain.build import Builder
from rehearsal.toolchain.disk import free_mib, require_space, size_mib
from rehearsal.toolchain.folders import CacheFolders, folders_of
from rehearsal.toolchain.go_toolchain import find_go, go_environ
from rehearsal.toolchain.lock import held
from rehearsal.toolchain.pins import PROMTOOL
from rehearsal.toolchain.progress import Progress
from rehearsal.toolchain.seals import State, inspect
from rehearsal.toolchain.search import search


def promtool_folders(environ: Mapping[str, str]) -> CacheFolders:
    """Return its cache, which no other tool shares."""
    return folders_of((PROMTOOL,), environ)


def ensure_promtool(report: Callable[[str], None]) -> Path:
    """Return promtool, having built it where neither PATH nor the cache has it.

    Raises RehearsalError where it cannot be had.
    """
    found = search((PROMTOOL,), os.environ.get("PATH", "")).get(PROMTOOL.tool)
    if found is not None and found.problem is None:
        return found.path
    folders = promtool_folders(os.environ)
    if not _is_built(folders):
        with held(folders.lock, report):
            # Another process may have built it while this one waited.
            if not _is_built(folders):
                _build(folders, report)
    return folders.bin / PROMTOOL.tool


def _is_built(folders: CacheFolders) -> bool:
    state = inspect(folders.bin / PROMTOOL.tool, folders.seals / PROMTOOL.tool)
    return state is State.INTACT


def _build(folders: CacheFolders, report: Callable[[str], None]) -> None:
    require_space(folders.root, [PROMTOOL], lambda: size_mib(folders.go), free_mib(folders.root))
    for folder in (folders.unfinished, folders.go_scratch, folders.logs, folders.bin):
        folder.mkdir(parents=True, exist_ok=True)
    go = find_go(folders, report)
    progress = Progress(report, sys.stderr if sys.stderr.isatty() else None)
    builder = Builder(go, folders, go_environ(folders, go, os.environ), progress.tick)
    progress.start(f"{PROMTOOL.tool} {PROMTOOL.version}", PROMTOOL.build_s)
    try:
        builder.build(PROMTOOL)
        progress.end("built")
    finally:
        progress.clear()
        shutil.rmtree(folders.unfinished, ignore_errors=True)
        shutil.rmtree(folders.go_scratch, ignore_errors=True)
