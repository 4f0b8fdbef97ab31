"""Decides which Python runs a project, by the rules of the official host for `runtime.options`.

The rules are those of sdk/python/toolchain in pulumi 3.255: `virtualenv` is relative to the folder
of Pulumi.yaml; without a `toolchain` a uv.lock, then a poetry.lock is looked for from the program's
folder upwards, else pip it is; pip without `virtualenv` takes the Python on PATH.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rehearsal.errors import RehearsalError

Toolchain = Literal["pip", "uv"]


@dataclass(frozen=True)
class Project:
    """What the engine says of a program: its folders and `runtime.options`."""

    root: Path
    """The folder of Pulumi.yaml."""
    program: Path
    """The folder that `main` names."""
    options: Mapping[str, object]


@dataclass(frozen=True)
class ProjectPython:
    """The interpreter that runs a project."""

    executable: Path
    virtualenv: Path | None
    toolchain: Toolchain

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` as after `source VIRTUALENV/bin/activate`."""
        if self.virtualenv is None:
            return dict(environ)
        active = {key: value for key, value in environ.items() if key != "PYTHONHOME"}
        folders = [str(self.virtualenv / "bin"), environ.get("PATH", "")]
        active["PATH"] = os.pathsep.join(filter(None, folders))
        active["VIRTUAL_ENV"] = str(self.virtualenv)
        return active


def project_python(project: Project, environ: Mapping[str, str]) -> ProjectPython:
    """Resolve `runtime.options`; a RehearsalError says what is wrong with them."""
    if _toolchain(project) == "uv":
        return _from_virtualenv(_uv_virtualenv(project, environ), "uv")
    option = _text(project, "virtualenv")
    if option:
        return _from_virtualenv(project.root / option, "pip")
    return ProjectPython(_python_on_path(environ), None, "pip")


def _toolchain(project: Project) -> Toolchain:
    chosen = _text(project, "toolchain") or _detected(project.program)
    if chosen == "pip":
        return "pip"
    if chosen == "uv":
        return "uv"
    raise RehearsalError(
        f"toolchain {chosen!r} cannot run the program",
        "this stand-in for pulumi-language-python knows pip and uv",
        "set runtime.options.toolchain to pip, or install the official pulumi-language-python",
        project.root / "Pulumi.yaml",
    )


def _detected(program: Path) -> str:
    if _search_up(program, "uv.lock"):
        return "uv"
    return "poetry" if _search_up(program, "poetry.lock") else "pip"


def _text(project: Project, key: str) -> str:
    value = project.options.get(key, "")
    if isinstance(value, str):
        return value
    raise RehearsalError(
        f"runtime option {key} is not a string",
        f"it is {value!r}",
        f"write runtime.options.{key} as a string",
        project.root / "Pulumi.yaml",
    )


def _uv_virtualenv(project: Project, environ: Mapping[str, str]) -> Path:
    option = _text(project, "virtualenv")
    if option:
        return project.root / option
    home = (
        _search_up(project.program, "uv.lock")
        or _search_up(project.program, "pyproject.toml")
        or project.program
    )
    return home / (environ.get("UV_PROJECT_ENVIRONMENT") or ".venv")


def _search_up(folder: Path, name: str) -> Path | None:
    return next((home for home in (folder, *folder.parents) if (home / name).exists()), None)


def _from_virtualenv(virtualenv: Path, toolchain: Toolchain) -> ProjectPython:
    executable = virtualenv / "bin" / "python"
    if executable.is_file():
        return ProjectPython(executable, virtualenv, toolchain)
    prepare = "uv sync" if toolchain == "uv" else f"python3 -m venv {virtualenv}"
    raise RehearsalError(
        "the project's virtual environment is missing",
        "runtime.options in Pulumi.yaml lead to it, and it holds no bin/python",
        f"prepare it: {prepare}, with the project's requirements in it",
        virtualenv,
    )


def _python_on_path(environ: Mapping[str, str]) -> Path:
    named = environ.get("PULUMI_PYTHON_CMD")
    names = [named] if named else ["python3", "python"]
    for name in names:
        found = shutil.which(name, path=environ.get("PATH", ""))
        if found:
            return Path(found)
    raise RehearsalError(
        f"none of {', '.join(names)} is on PATH",
        "runtime.options in Pulumi.yaml name no virtualenv, so the Python on PATH runs the program",
        "install Python, or set runtime.options.virtualenv",
    )
