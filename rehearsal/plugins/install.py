"""Decides which plugins need a stand-in on this machine, and writes an executable for each."""

import os
import re
import shlex
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

EXECUTABLE = 0o755
# What each stand-in is called by the engine, and the module that runs it.
STAND_INS = {
    "pulumi-language-python": "rehearsal.plugins.language_host",
    "pulumi-resource-kubernetes": "rehearsal.plugins.kubernetes_provider",
    "pulumi-resource-aws": "rehearsal.plugins.aws_provider",
    "pulumi-resource-random": "rehearsal.plugins.random_provider",
    "pulumi-resource-docker-build": "rehearsal.plugins.docker_build_provider",
}
_STARTER = "rehearsal.plugins.start"
# Programs that a rehearsal of a stack on AWS must find before any other of their name: the real
# `aws` would sign in to the real EKS.
COMMANDS = {"aws": "rehearsal.cloud.aws_command"}
# The file's second line; a file without it is never overwritten or removed.
MARK = "# A stand-in written by rehearsal.plugins; it gives way to the official plugin."
# The Pulumi SDK a resource plugin belongs to; the engine asks for a plugin of its version.
SDKS = {
    "pulumi-resource-kubernetes": "pulumi_kubernetes",
    "pulumi-resource-aws": "pulumi_aws",
    "pulumi-resource-random": "pulumi_random",
    "pulumi-resource-docker-build": "pulumi_docker_build",
}


def install(bin_dir: Path, search_path: str, pulumi_home: Path | None = None) -> list[str]:
    """Write the stand-ins that are needed into `bin_dir`; remove those that no longer are.

    Args:
        bin_dir: the folder of the stand-ins, to be put in front of PATH.
        search_path: the PATH that commands will run with, with or without `bin_dir`.
        pulumi_home: the PULUMI_HOME they will run with; default $PULUMI_HOME, if set.

    Returns:
        The names of the stand-ins that are in place.

    """
    home = pulumi_home or (Path(os.environ["PULUMI_HOME"]) if "PULUMI_HOME" in os.environ else None)
    bin_dir.mkdir(parents=True, exist_ok=True)
    written = []
    for name, module in STAND_INS.items():
        if is_official_present(name, search_path, home):
            _remove(bin_dir / name)
        else:
            _write(bin_dir / name, script(Path(sys.executable), _STARTER, module))
            written.append(name)
    return written


def install_commands(folder: Path) -> list[str]:
    """Write the stand-ins of programs into a folder that is to be the first of PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in COMMANDS.items():
        _write(folder / name, script(Path(sys.executable), module))
    return list(COMMANDS)


def script(python: Path, *module: str) -> str:
    """Run a module, with arguments, in this environment, wherever the engine's own folder is."""
    # `-P` keeps that folder, which is the Pulumi project's, off the import path.
    return f'#!/bin/sh\n{MARK}\nexec {shlex.quote(str(python))} -P -m {shlex.join(module)} "$@"\n'


def is_official_present(name: str, search_path: str, pulumi_home: Path | None) -> bool:
    """Whether the engine would find an official plugin: on PATH, beside itself, or installed."""
    return (
        any(_is_executable(Path(folder) / name) for folder in search_path.split(os.pathsep))
        or _is_beside_the_engine(name, search_path)
        or (pulumi_home is not None and _is_installed(name, pulumi_home))
    )


def _is_executable(file: Path) -> bool:
    return file.is_file() and os.access(file, os.X_OK) and not _is_stand_in(file)


def _is_beside_the_engine(name: str, search_path: str) -> bool:
    engine = shutil.which("pulumi", path=search_path)
    return engine is not None and _is_executable(Path(engine).resolve().parent / name)


def _is_installed(name: str, pulumi_home: Path) -> bool:
    """Whether PULUMI_HOME/plugins has one that suits the SDK: same major, not older."""
    if name not in SDKS:
        return False
    wanted = _numbers(version(SDKS[name]))
    kind = name.removeprefix("pulumi-")
    folders = pulumi_home.joinpath("plugins").glob(f"{kind}-v*")
    found = [_numbers(folder.name.removeprefix(f"{kind}-v")) for folder in folders]
    return any(numbers[0] == wanted[0] and numbers >= wanted for numbers in found)


def _numbers(semantic_version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", semantic_version)[:3])


def _is_stand_in(file: Path) -> bool:
    with file.open("rb") as stream:
        return MARK.encode() in stream.read(4096)


def _write(file: Path, text: str) -> None:
    if file.is_file() and file.read_text(errors="replace") == text:
        return
    temporary = file.with_name(f"{file.name}.new")
    temporary.write_text(text)
    temporary.chmod(EXECUTABLE)
    # A running engine may start the plugin at this moment: replaced whole, never half written.
    temporary.replace(file)


def _remove(file: Path) -> None:
    if file.is_file() and _is_stand_in(file):
        file.unlink()
