"""A stand-in is written only where no official plugin is to be found, and gives way to one."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from rehearsal.plugins import install, install_commands
from rehearsal.plugins.install import script

OTHERS = ["pulumi-resource-aws", "pulumi-resource-random", "pulumi-resource-docker-build"]
BUT_KUBERNETES = ["pulumi-language-python", *OTHERS]
ALL = ["pulumi-language-python", "pulumi-resource-kubernetes", *OTHERS]


@pytest.fixture(autouse=True)
def _no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_HOME", raising=False)


def official(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\necho official\n")
    file.chmod(0o755)


def test_all_stand_ins_are_written_where_nothing_is_found(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"

    assert install(plugins, str(tmp_path / "empty")) == ALL
    assert all((plugins / name).stat().st_mode & 0o111 for name in ALL)


def test_an_official_plugin_on_path_needs_no_stand_in_and_removes_an_old_one(
    tmp_path: Path,
) -> None:
    plugins, path = tmp_path / "plugins", tmp_path / "bin"
    install(plugins, str(path))
    official(path, "pulumi-resource-kubernetes")

    assert install(plugins, f"{plugins}:{path}") == BUT_KUBERNETES
    assert not (plugins / "pulumi-resource-kubernetes").exists()


def test_a_stand_in_on_path_is_not_taken_for_an_official_plugin(tmp_path: Path) -> None:
    install(tmp_path / "one", "")

    assert install(tmp_path / "two", str(tmp_path / "one")) == ALL


def test_a_language_host_beside_the_engine_is_found(tmp_path: Path) -> None:
    official(tmp_path / "release", "pulumi")
    official(tmp_path / "release", "pulumi-language-python")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(tmp_path / "release" / "pulumi")

    written = install(tmp_path / "plugins", str(tmp_path / "bin"))

    assert written == ["pulumi-resource-kubernetes", *OTHERS]


@pytest.mark.parametrize(
    ("installed", "written"),
    [
        (version("pulumi_kubernetes"), BUT_KUBERNETES),
        ("4.0.0", ALL),
        ("99.0.0", ALL),
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


def test_the_aws_command_is_written_even_where_a_real_one_is_on_path(tmp_path: Path) -> None:
    install_commands(tmp_path / "commands")

    refused = subprocess.run(
        [tmp_path / "commands" / "aws", "s3", "ls"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "knows `eks get-token` only" in refused.stderr


def test_a_plugin_starts_without_the_sdk_around_its_protocol() -> None:
    program = (
        "from rehearsal.plugins import start; start.stand_in_for_parents()\n"
        "import sys; from pulumi.runtime.proto import provider_pb2_grpc\n"
        "print([name for name in sys.modules if name.startswith('pulumi.resource')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_a_plugins_script_serves(tmp_path: Path) -> None:
    install(tmp_path, "")

    with subprocess.Popen(
        [tmp_path / "pulumi-resource-random", "127.0.0.1:1"], stdout=subprocess.PIPE, text=True
    ) as plugin:
        assert plugin.stdout is not None
        assert int(plugin.stdout.readline()) > 0
        plugin.terminate()
