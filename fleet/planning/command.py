"""`fleet plan`: reads a stack file, derives, simulates, prints; touches nothing."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from fleet import neighbours, stack_config
from fleet.aws import node_checks
from fleet.planning import aws_bill, aws_cost, page, view
from fleet.planning.forecast import Forecast, forecast
from fleet.planning.peers import PEERS
from fleet.project import Project
from fleet.stack_file import readable
from infra.models.fleet import FleetConfig


def run(
    project: Project,
    stack: str,
    console: Console,
    *,
    compare: bool,
    plot: Path | None,
    markdown: Path | None,
) -> None:
    """Print the plan of a stack file, of a template where the stack has no file yet.

    Raises:
        RehearsalError: where there is neither, or with every problem of the file.

    """
    source = readable(project, stack)
    fleet = stack_config.read(source)
    if source == project.stack_file(stack):
        neighbours.check(project, stack, fleet)
    if markdown is not None:
        page.save(fleet, stack, source.name, markdown)
    with console.status("simulating ..."):
        forecasts = [forecast(fleet, worker) for worker in fleet.workers]
        rows = _beside_peers(fleet) if compare or plot is not None else []
    console.print(view.plan_table(fleet, stack, forecasts))
    for line in view.reason_lines(forecasts):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if compare:
        console.print(view.comparison_table(stack, rows))
    if fleet.on_aws:
        _tell_of_aws(fleet, stack, forecasts, console)
    if markdown is not None:
        console.print(f"saved {markdown}", highlight=False)
    if plot is not None:
        from fleet.planning import curve  # noqa: PLC0415 - matplotlib takes a second to import

        curve.save(rows, stack, plot)
        console.print(f"saved {plot}", highlight=False)


def _tell_of_aws(
    fleet: FleetConfig, stack: str, forecasts: Sequence[Forecast], console: Console
) -> None:
    console.print(aws_bill.table(stack, fleet.region or "", aws_cost.parts(fleet, forecasts)))
    for note in node_checks.update_findings(fleet):
        told = f"! {note.subject}: {note.problem}; {note.mend}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)


def _beside_peers(fleet: FleetConfig) -> list[Forecast]:
    return [forecast(fleet, worker, peer) for worker in fleet.workers for peer in PEERS.values()]
