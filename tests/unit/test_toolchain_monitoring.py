"""What watches a fleet comes from PATH where it will do, else from a cache of its own, once."""

from pathlib import Path

import pytest

from rehearsal.toolchain import apart, monitoring
from rehearsal.toolchain.folders import CacheFolders
from rehearsal.toolchain.monitoring_pins import MONITORING_PINS
from rehearsal.toolchain.pins import Pin
from rehearsal.toolchain.seals import install

EVERY = [pin.tool for pin in MONITORING_PINS]


def on_path(folder: Path, version: str) -> Path:
    folder.mkdir()
    tool = folder / "promtool"
    tool.write_text(f"#!/bin/sh\necho 'promtool, version {version} (branch: non-git)'\n")
    tool.chmod(0o755)
    return tool


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Tools whose build was asked for; each build leaves an empty program."""
    asked: list[str] = []

    def build(pins: list[Pin], folders: CacheFolders, _: object) -> None:
        for pin in pins:
            asked.append(pin.tool)
            made = tmp_path / "made"
            made.touch(mode=0o755)
            install(made, folders.bin / pin.tool, folders.seals / pin.tool)

    monkeypatch.setenv("CELERY_FLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(apart, "_build", build)
    return asked


def test_one_on_path_is_taken_and_the_others_are_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, built: list[str]
) -> None:
    tool = on_path(tmp_path / "bin", "3.5.0")
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")

    assert monitoring.ensure_monitoring(print).promtool == tool
    assert built == [tool for tool in EVERY if tool != "promtool"]


def test_one_of_prometheus_2_is_passed_over_and_all_are_built_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, built: list[str]
) -> None:
    old = on_path(tmp_path / "bin", "2.53.1")
    monkeypatch.setenv("PATH", str(old.parent), prepend=":")

    first, second = (monitoring.ensure_monitoring(print) for _ in range(2))

    assert first == second
    assert first.promtool.is_relative_to(tmp_path / "cache" / "tools")
    assert built == EVERY


def test_one_that_is_damaged_is_built_again_alone(
    monkeypatch: pytest.MonkeyPatch, built: list[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monitoring.ensure_monitoring(print).amtool.write_text("damaged")
    built.clear()

    monitoring.ensure_monitoring(print)

    assert built == ["amtool"]
