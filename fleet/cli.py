# ruff: noqa: PLC0415 - each command imports what it needs only when it runs, to answer at once
"""The operator's commands: what they are called, what they take, how they end."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fleet import (
    alert_commands,
    campaign_commands,
    dead_commands,
    diff_commands,
    preview_commands,
    smoke_commands,
)
from fleet.failures import ToldGroup
from fleet.options import Kubeconfig, Stack
from fleet.project import DEFAULT_STACK

app = typer.Typer(
    cls=ToldGroup,
    help="Operate a Celery fleet: rehearse it on this machine, watch it, load it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

export_app = typer.Typer(help="Write the fleet for supervisors other than Kubernetes.")
app.add_typer(export_app, name="export", no_args_is_help=True)
app.add_typer(dead_commands.app, name="dead", no_args_is_help=True)
app.add_typer(campaign_commands.app, name="campaign", no_args_is_help=True)
app.add_typer(preview_commands.app, name="preview", no_args_is_help=True)

_WATCH_S = 1.0


@app.command()
def up(
    *,
    stack: Annotated[str, typer.Option("--stack", "-s", help="Pulumi stack.")] = DEFAULT_STACK,
    demonstrate: Annotated[
        bool, typer.Option(help="Send real tasks through the fleet at the end.")
    ] = True,
) -> None:
    """Start the rehearsal, provision the stack with Pulumi, run real tasks through it."""
    from fleet import project
    from fleet import up as steps

    found = project.find()
    name = project.checked_stack_name(stack)
    steps.run(found, name, Console(), demonstrate=demonstrate)


@app.command()
def rehearse(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Pulumi stack on AWS.")] = "prod",
) -> None:
    """Run a stack on AWS from `up` to `destroy` against stand-ins; no account is touched."""
    from fleet import project
    from fleet import rehearse as steps

    steps.run(project.find(), project.checked_stack_name(stack), Console())


@app.command()
def down() -> None:
    """Stop everything that runs; state is kept, so the next `up` is quick."""
    from fleet import down as steps
    from fleet import project

    steps.run(project.find(), Console())


@app.command()
def env() -> None:
    """Print the environment for plain pulumi and kubectl: eval "$(fleet env)"."""
    from fleet import environment, passphrase, project

    found = project.find()
    passphrase.check(found)
    print(environment.export_lines(environment.for_shell(found)))  # noqa: T201 - for eval


@app.command()
def status(
    *,
    stack: Stack = None,
    kubeconfig: Kubeconfig = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh every second.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show each queue: its work, its worker's replicas, its waits."""
    from fleet import session
    from fleet import status as view

    begun = session.begin(stack, kubeconfig)
    if as_json:
        print(json.dumps(view.take(begun).as_json(), indent=2))  # noqa: T201 - not for a terminal
    elif watch:
        with suppress(KeyboardInterrupt):
            view.watch(begun, Console(), _WATCH_S)
    else:
        Console().print(view.render(view.take(begun)))


@app.command()
def burst(
    queue: Annotated[str, typer.Argument(help="Queue to fill.")],
    tasks: Annotated[int, typer.Option(min=1, max=10_000, help="Tasks to send at once.")] = 300,
    seconds: Annotated[float, typer.Option(min=0, max=600, help="Seconds each task takes.")] = 0.5,
    plot: Annotated[Path | None, typer.Option(help="Save the curves as this PNG.")] = None,
    stack: Stack = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Send many tasks at once and watch the fleet scale up, drain them and rest again."""
    from fleet import burst as load
    from fleet import burst_view, session

    console = Console()
    prepared = load.prepare(session.begin(stack, kubeconfig), queue, tasks, seconds)
    with burst_view.showing(console, queue) as show:
        summary = prepared.run(show)
    console.print(burst_view.summary_table(summary, queue))
    if plot is not None:
        from fleet import picture

        picture.save(prepared.samples, queue, plot)
        console.print(f"saved {plot}", highlight=False)
    if summary.problems:
        Console(stderr=True).print(f"error: {'; '.join(summary.problems)}", style="red")
        raise typer.Exit(1)


@app.command()
def plan(
    *,
    stack: Stack = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Set it beside other people's settings.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Save delay against cost as this PNG.", dir_okay=False)
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="Save a page for whoever is on call.", dir_okay=False),
    ] = None,
) -> None:
    """Predict bounds, waits and cost of each worker from the stack file; nothing is touched."""
    from fleet import project
    from fleet.planning import command

    found = project.find()
    name = project.checked_stack_name(stack or found.current_stack())
    command.run(found, name, Console(), compare=compare, plot=plot, markdown=markdown)


Out = Annotated[Path, typer.Option("--out", help="Folder to write to.", file_okay=False)]


@export_app.command()
def compose(
    out: Out,
    *,
    stack: Stack = None,
    own_broker: Annotated[
        bool, typer.Option("--own-broker", help="Run a broker beside the fleet, too.")
    ] = False,
) -> None:
    """Write a compose file: a service for each worker, beat and the API."""
    from fleet import project
    from fleet.export import command

    found = project.find()
    name = project.checked_stack_name(stack or found.current_stack())
    command.compose(found, name, out, Console(), own_broker=own_broker)


@export_app.command()
def systemd(
    out: Out,
    *,
    stack: Stack = None,
    home: Annotated[
        str, typer.Option(help="Where the worker image's code and its venv lie.")
    ] = "/opt/celery-fleet",
) -> None:
    """Write systemd units: a template for each worker, beat, the API and a target."""
    from pathlib import PurePosixPath

    from fleet import project
    from fleet.export import command

    found = project.find()
    name = project.checked_stack_name(stack or found.current_stack())
    command.systemd(found, name, out, Console(), home=PurePosixPath(home))


app.command()(alert_commands.alerts)
app.command()(smoke_commands.smoke)
app.command()(diff_commands.diff)


@app.command()
def dashboards(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.", file_okay=False)],
    *,
    stack: Stack = None,
) -> None:
    """Write the stack's dashboards as files, for a Grafana without the sidecar."""
    from fleet import dashboard_files, project

    found = project.find()
    name = project.checked_stack_name(stack or found.current_stack())
    dashboard_files.write(found, name, out, Console())


@app.command()
def doctor(
    *,
    stack: Stack = None,
    kubeconfig: Kubeconfig = None,
    aws: Annotated[
        bool, typer.Option("--aws", help="Look at the AWS account instead; default stack: prod.")
    ] = False,
) -> None:
    """Check tools, processes, cluster, broker and fleet; say how to mend what is wrong."""
    if aws:
        from fleet import project
        from fleet.aws import doctor as preflight

        name = project.checked_stack_name(stack or "prod")
        problems = preflight.run(project.find(), name, Console())
    else:
        from fleet import doctor as ward
        from fleet import session

        problems = ward.examine(session.begin(stack, kubeconfig), Console())
    if problems:
        raise typer.Exit(1)
