"""Which Python runs a program: the official rules for `runtime.options`."""

import os
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.plugins.language_host.options import Project, ProjectPython, project_python


def virtualenv(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch(mode=0o755)
    return folder


def resolved(root: Path, environ: dict[str, str] | None = None, **options: object) -> Path:
    program = root / "infra"
    program.mkdir(exist_ok=True)
    python = project_python(Project(root, program, options), environ or {})
    return python.executable


def test_a_virtualenv_is_relative_to_the_folder_of_pulumi_yaml(tmp_path: Path) -> None:
    virtualenv(tmp_path / ".venv")

    found = resolved(tmp_path, toolchain="pip", virtualenv=".venv")

    assert found == tmp_path / ".venv" / "bin" / "python"


def test_an_absolute_virtualenv_is_taken_as_it_is(tmp_path: Path) -> None:
    elsewhere = virtualenv(tmp_path / "elsewhere")

    assert resolved(tmp_path, virtualenv=str(elsewhere)) == elsewhere / "bin" / "python"


def test_without_options_the_python_on_path_is_taken(tmp_path: Path) -> None:
    folder = virtualenv(tmp_path / "usr") / "bin"
    (folder / "python").rename(folder / "python3")

    assert resolved(tmp_path, {"PATH": str(folder)}) == folder / "python3"


def test_pulumi_python_cmd_names_another_python(tmp_path: Path) -> None:
    folder = virtualenv(tmp_path / "usr") / "bin"
    (folder / "python").rename(folder / "python3.99")
    environ = {"PATH": str(folder), "PULUMI_PYTHON_CMD": "python3.99"}

    assert resolved(tmp_path, environ) == folder / "python3.99"


def test_uv_puts_its_environment_beside_the_lock(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").touch()
    virtualenv(tmp_path / ".venv")

    assert resolved(tmp_path) == tmp_path / ".venv" / "bin" / "python"


def test_a_stated_toolchain_is_stronger_than_a_lock(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").touch()
    virtualenv(tmp_path / "mine")

    found = project_python(
        Project(tmp_path, tmp_path, {"toolchain": "pip", "virtualenv": "mine"}), {}
    )

    assert found.toolchain == "pip"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"virtualenv": "missing"}, "virtual environment is missing"),
        ({"virtualenv": 3}, "virtualenv is not a string"),
        ({"toolchain": "poetry"}, "toolchain 'poetry' cannot run the program"),
        ({}, "none of python3, python is on PATH"),
    ],
)
def test_options_that_lead_nowhere_are_told(
    tmp_path: Path, options: dict[str, object], told: str
) -> None:
    with pytest.raises(RehearsalError, match=told):
        resolved(tmp_path, {"PATH": ""}, **options)


def test_a_poetry_lock_is_told_as_poetry(tmp_path: Path) -> None:
    (tmp_path / "poetry.lock").touch()

    with pytest.raises(RehearsalError, match="poetry"):
        resolved(tmp_path)


def test_the_environment_is_an_activated_one(tmp_path: Path) -> None:
    python = ProjectPython(tmp_path / "bin" / "python", tmp_path, "pip")
    environ = {"PATH": "/usr/bin", "PYTHONHOME": "/x", "VIRTUAL_ENV": "/old", "LANG": "C"}

    assert python.environment(environ) == {
        "PATH": os.pathsep.join([str(tmp_path / "bin"), "/usr/bin"]),
        "VIRTUAL_ENV": str(tmp_path),
        "LANG": "C",
    }
