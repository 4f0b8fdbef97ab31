"""`python -m chaos.cluster`: the faults that need a cluster, on a rehearsal of their own."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chaos.campaign import Campaign
from chaos.cluster.run import run
from chaos.conclusion import RESULTS, conclude
from fleet.progress import Progress
from rehearsal.errors import RehearsalError


def main(
    *,
    results: Annotated[Path, typer.Option(help="Folder of chaos-cluster.md and so on.")] = RESULTS,
) -> None:
    """Exit with 1 where an invariant breaks."""
    console = Console()
    try:
        observed, moved = run(Progress(console).reporter("cluster"))
    except (RehearsalError, TimeoutError, RuntimeError) as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        raise typer.Exit(1) from error
    conclude(Campaign({"ours": [observed]}, moved), results / "chaos-cluster", console)


if __name__ == "__main__":
    typer.run(main)
