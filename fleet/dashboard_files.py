"""`fleet dashboards`: reads a stack file and writes its dashboards, and nothing else."""

from pathlib import Path

from rich.console import Console

from fleet import stack_config
from fleet.files import write_atomically
from fleet.project import Project
from fleet.stack_file import readable
from infra.dashboards import documents


def write(project: Project, stack: str, out: Path, console: Console) -> None:
    """Write each dashboard as Grafana's provisioning, or its import, reads it.

    Raises:
        RehearsalError: where there is no stack file, or with every problem of it.

    """
    config = stack_config.read(readable(project, stack))
    out.mkdir(parents=True, exist_ok=True)
    made = documents(config, stack)
    for name, text in made.items():
        write_atomically(out / name, text + "\n")
    console.print(f"wrote {len(made)} dashboards to {out}", highlight=False, soft_wrap=True)
