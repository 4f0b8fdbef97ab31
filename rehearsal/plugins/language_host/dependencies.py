"""Says which Pulumi plugins and Python packages a project's interpreter holds."""

import base64
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import plugin_pb2

from rehearsal.errors import RehearsalError
from rehearsal.plugins.language_host.options import ProjectPython

PROBE = Path(__file__).with_name("probe.py")
PROBE_TIMEOUT_S = 60


def required_packages(
    python: ProjectPython, environ: Mapping[str, str]
) -> list[plugin_pb2.PackageDependency]:
    """The resource plugins that the installed packages belong to; nothing is downloaded."""
    return [
        _dependency(described)
        for described in _ask(python, environ, "plugins")
        if described.get("resource")
    ]


@dataclass(frozen=True)
class Package:
    """One installed distribution."""

    name: str
    version: str
    needed: bool
    """Whether another distribution requires it."""


def installed_packages(python: ProjectPython, environ: Mapping[str, str]) -> list[Package]:
    """Every distribution, by name."""
    return [Package(**found) for found in _ask(python, environ, "packages")]


@dataclass(frozen=True)
class Interpreter:
    """What `pulumi about` shows of an interpreter."""

    executable: str
    version: str


def interpreter(python: ProjectPython, environ: Mapping[str, str]) -> Interpreter:
    """Ask the interpreter itself; a launcher on PATH may stand for another one."""
    return Interpreter(**_ask(python, environ, "interpreter"))


def _dependency(described: Mapping[str, object]) -> plugin_pb2.PackageDependency:
    version = str(described.get("version") or "")
    dependency = plugin_pb2.PackageDependency(
        name=str(described["name"]),
        version=f"v{version.removeprefix('v')}" if version else "",
        kind="resource",
        server=str(described.get("server") or ""),
    )
    parameters = described.get("parameterization")
    if isinstance(parameters, dict):
        dependency.parameterization.name = parameters["name"]
        dependency.parameterization.version = parameters["version"]
        dependency.parameterization.value = base64.b64decode(parameters["value"])
    return dependency


def _ask(python: ProjectPython, environ: Mapping[str, str], what: str) -> Any:  # noqa: ANN401 - JSON
    done = subprocess.run(
        [python.executable, str(PROBE), what],
        env=python.environment(environ),
        capture_output=True,
        text=True,
        timeout=PROBE_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RehearsalError(
            "the project's Python does not answer",
            done.stderr.strip() or f"it ended with code {done.returncode}",
            "check runtime.options in Pulumi.yaml, or make its virtual environment anew",
            python.executable,
        )
    return json.loads(done.stdout)
