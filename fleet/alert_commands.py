# ruff: noqa: PLC0415 - the command imports what it needs only when it runs, to answer at once
"""The command `fleet alerts`: rules and routes as files, where there is no operator."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fleet.options import Stack


def alerts(
    *,
    out: Annotated[
        Path | None, typer.Option(help="File to write Prometheus' rules to.", dir_okay=False)
    ] = None,
    routes: Annotated[
        Path | None, typer.Option(help="File to write Alertmanager's to.", dir_okay=False)
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="ARN of the stack's own topic: its output `alarm_topic`.")
    ] = None,
    stack: Stack = None,
) -> None:
    """Write alert rules, and where alerts go, as files, where there is no operator."""
    from fleet import alert_file, project

    if out is None and routes is None:
        raise typer.BadParameter("name a file: --out for the rules, --routes for where they go")
    found = project.find()
    name = project.checked_stack_name(stack or found.current_stack())
    if out is not None:
        alert_file.write(found, name, out, Console())
    if routes is not None:
        alert_file.write_routes(found, name, routes, Console(), topic_arn=topic)
