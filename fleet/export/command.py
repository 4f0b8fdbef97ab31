"""`fleet export`: reads a stack file and writes what another supervisor runs, and nothing else."""

from pathlib import Path, PurePosixPath

from rich.console import Console

from fleet import stack_config
from fleet.export.compose import FILE, compose_file
from fleet.export.systemd import unit_files
from fleet.files import write_atomically
from fleet.project import Project
from fleet.stack_file import readable
from infra.manifests.settings import settings_document
from infra.models.fleet import FleetConfig

_SETTINGS = "settings.json"


def compose(project: Project, stack: str, out: Path, console: Console, *, own_broker: bool) -> None:
    """Write the compose file and the settings it mounts.

    Raises:
        RehearsalError: where there is no stack file, or with every problem of it.

    """
    config = _read(project, stack)
    files = {FILE: compose_file(config, stack, own_broker=own_broker)}
    _write(out, files | {_SETTINGS: settings_document(config)}, console)


def systemd(
    project: Project, stack: str, out: Path, console: Console, *, home: PurePosixPath
) -> None:
    """Write the units, the account they run under and the settings they read.

    Raises:
        RehearsalError: where there is no stack file, or with every problem of it.

    """
    config = _read(project, stack)
    files = unit_files(config, stack, home)
    _write(out, files | {_SETTINGS: settings_document(config)}, console)


def _read(project: Project, stack: str) -> FleetConfig:
    return stack_config.read(readable(project, stack))


def _write(out: Path, files: dict[str, str], console: Console) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_atomically(out / name, text)
        console.print(f"wrote {out / name}", highlight=False, soft_wrap=True)
