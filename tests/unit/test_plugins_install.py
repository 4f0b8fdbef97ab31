"""A stand-in is written only where no official plugin is to be found, and gives way to one."""

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from rehearsal.plugins import install
from rehearsal.plugins.install import script

BOTH = ["pulumi-language-python", "pulumi-resource-kubernetes"]


@pytest.fixture(autouse=True)
def _no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_HOME", raising=False)


def official(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\necho official\n")
    file.chmod(0o755)


def test_both_stand_ins_are_written_where_nothing_is_found(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"

    assert install(plugins, str(tmp_path / "empty")) == BOTH
    assert all((plugins / name).stat().st_mode & 0o111 for name in BOTH)


def test_an_official_plugin_on_path_needs_no_stand_in_and_removes_an_old_one(
    tmp_path: Path,
) -> None:
    plugins, path = tmp_path / "plugins", tmp_path / "bin"
    install(plugins, str(path))
    official(path, "pulumi-resource-kubernetes")

    assert install(plugins, f"{plugins}:{path}") == ["pulumi-language-python"]
    assert not (plugins / "pulumi-resource-kubernetes").exists()


def test_a_stand_in_on_path_is_not_taken_for_an_official_plugin(tmp_path: Path) -> None:
    install(tmp_path / "one", "")

    assert install(tmp_path / "two", str(tmp_path / "one")) == BOTH


def test_a_language_host_beside_the_engine_is_found(tmp_path: Path) -> None:
    official(tmp_path / "release", "pulumi")
    official(tmp_path / "release", "pulumi-language-python")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(tmp_path / "release" / "pulumi")

    written = install(tmp_path / "plugins", str(tmp_path / "bin"))

    assert written == ["pulumi-resource-kubernetes"]


@pytest.mark.parametrize(
    ("installed", "written"),
    [
        (version("pulumi_kubernetes"), ["pulumi-language-python"]),
        ("4.0.0", BOTH),
        ("99.0.0", BOTH),
    ],
    ids=["the SDK's version", "an older one", "another major"],
)
def test_a_plugin_in_pulumi_home_counts_if_it_suits_the_sdk(
    tmp_path: Path, installed: str, written: list[str]
) -> None:
    (tmp_path / "home" / "plugins" / f"resource-kubernetes-v{installed}").mkdir(parents=True)

    assert install(tmp_path / "plugins", "", tmp_path / "home") == written


def test_a_file_of_someone_elses_is_not_removed(tmp_path: Path) -> None:
    official(tmp_path / "plugins", "pulumi-resource-kubernetes")

    install(tmp_path / "plugins", str(tmp_path / "plugins"))

    assert "official" in (tmp_path / "plugins" / "pulumi-resource-kubernetes").read_text()


def test_the_script_survives_spaces_and_runs_from_anywhere(tmp_path: Path) -> None:
    python = tmp_path / "a folder" / "python"
    official(python.parent, "python")
    file = tmp_path / "plugin"
    file.write_text(script(python, "some.module"))
    file.chmod(0o755)

    done = subprocess.run([file], cwd="/", capture_output=True, text=True, check=True)

    assert done.stdout == "official\n"
