"""`fleet alerts`: reads a stack file and writes its alert rules, and nothing else."""

from pathlib import Path

from rich.console import Console

from fleet import stack_config
from fleet.files import write_atomically
from fleet.project import Project
from fleet.stack_file import readable
from infra.alerts import alert_groups
from infra.manifests.prometheus_rule import rule_file


def write(project: Project, stack: str, out: Path, console: Console) -> None:
    """Write the rules as Prometheus' `rule_files` reads them.

    Raises:
        RehearsalError: where there is no stack file, or with every problem of it.

    """
    config = stack_config.read(readable(project, stack))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, rule_file(config, stack))
    rules = sum(len(group.rules) for group in alert_groups(config))
    console.print(f"wrote {rules} rules to {out}", highlight=False, soft_wrap=True)
