"""promtool comes from PATH where it will do, else from a cache of its own, built once."""

from pathlib import Path

import pytest

from rehearsal.toolchain import promtool
from rehearsal.toolchain.folders import CacheFolders
from rehearsal.toolchain.seals import install


def on_path(folder: Path, version: str) -> Path:
    folder.mkdir()
    tool = folder / "promtool"
    tool.write_text(f"#!/bin/sh\necho 'promtool, version {version} (branch: non-git)'\n")
    tool.chmod(0o755)
    return tool


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[CacheFolders]:
    """Builds that were asked for; each leaves an empty program."""
    asked: list[CacheFolders] = []

    def build(folders: CacheFolders, _: object) -> None:
        asked.append(folders)
        made = tmp_path / "made"
        made.touch(mode=0o755)
        install(made, folders.bin / "promtool", folders.seals / "promtool")

    monkeypatch.setenv("CELERY_FLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(promtool, "_build", build)
    return asked


def test_one_on_path_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, built: list[CacheFolders]
) -> None:
    tool = on_path(tmp_path / "bin", "3.5.0")
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")

    assert promtool.ensure_promtool(print) == tool
    assert built == []


def test_one_of_prometheus_2_is_passed_over_and_one_is_built_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, built: list[CacheFolders]
) -> None:
    old = on_path(tmp_path / "bin", "2.53.1")
    monkeypatch.setenv("PATH", str(old.parent), prepend=":")

    first, second = (promtool.ensure_promtool(print) for _ in range(2))

    assert first == second
    assert first.is_relative_to(tmp_path / "cache" / "tools")
    assert len(built) == 1
