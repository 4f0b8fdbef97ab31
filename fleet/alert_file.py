"""`fleet alerts`: reads a stack file and writes alert rules and their routes, and nothing else."""

from pathlib import Path

from rich.console import Console

from fleet import stack_config
from fleet.files import write_atomically
from fleet.project import Project
from fleet.stack_file import readable
from infra.alerts import alert_groups
from infra.alerts.routes import routing
from infra.manifests.alertmanager_file import SECRETS, routes_file
from infra.manifests.prometheus_rule import rule_file
from rehearsal.errors import RehearsalError


def write(project: Project, stack: str, out: Path, console: Console) -> None:
    """Write the rules as Prometheus' `rule_files` reads them.

    Raises:
        RehearsalError: where there is no stack file, or with every problem of it.

    """
    config = stack_config.read(readable(project, stack))
    _write(out, rule_file(config, stack))
    rules = sum(len(group.rules) for group in alert_groups(config))
    console.print(f"wrote {rules} rules to {out}", highlight=False, soft_wrap=True)


def write_routes(
    project: Project, stack: str, out: Path, console: Console, *, topic_arn: str | None
) -> None:
    """Write where alerts go, as Alertmanager's `--config.file` reads it.

    Raises:
        RehearsalError: where there is no stack file, or with every problem of it; where the stack
            states no receiver; where one is the stack's own topic, whose ARN nobody gave.

    """
    path = readable(project, stack)
    config = stack_config.read(path)
    receivers = config.monitoring.receivers
    if not receivers.stated:
        raise RehearsalError(
            what=f"{path.name} says of nobody who hears of alerts",
            why="monitoring.receivers states neither page nor ticket",
            mend="state them (docs/alerts.md shows how), then write the file again",
            where=path,
        )
    if receivers.own_topic and topic_arn is None:
        raise RehearsalError(
            what="the stack's own topic is not known here",
            why=f"{path.name}: an sns receiver lacks topicArn, and AWS gives the topic its ARN",
            mend=f'add --topic "$(pulumi stack output alarm_topic -s {stack})"',
            where=path,
        )
    routes = routing(config, topic_arn)
    _write(out, routes_file(routes))
    hearing = [f"{len(each.notices)} of {each.severity}s" for each in routes.routes]
    told = (
        f"wrote receivers {', '.join(hearing)} and {len(routes.inhibitions)} inhibitions to {out}"
    )
    console.print(told, highlight=False, soft_wrap=True)
    if any(notice.secret for route in routes.routes for notice in route.notices):
        console.print(f"secrets are read from {SECRETS}/<secret>/<key>", highlight=False)


def _write(out: Path, text: str) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, text)
