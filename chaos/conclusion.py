"""How a campaign ends: its files, its tables, its verdict."""

from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console

from chaos import picture, report
from chaos.campaign import Campaign

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"


def conclude(campaign: Campaign, results: Path, console: Console) -> NoReturn:
    """Write JSON, Markdown and PNG of this name, print the tables, exit by the verdict."""
    report.write(campaign, results)
    picture.save(campaign, results.with_suffix(".png"))
    for table in report.tables(campaign):
        console.print(table)
    for problem in campaign.problems:
        line = f"! {problem}"
        # A fault's name in brackets is no markup.
        console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    console.print(f"saved {results}.md, .json, .png", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if campaign.problems else 0)
