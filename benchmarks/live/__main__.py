"""`python -m benchmarks.live`: run, compare, print, write; goes on where it was stopped."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.live import picture, report
from benchmarks.live.arms import OURS, POLICIES, arm
from benchmarks.live.blocks import Blocks
from benchmarks.live.outcome import Outcome, outcome
from benchmarks.live.scenario import Scenario, scenarios
from benchmarks.live.store import Store
from benchmarks.live.timeline import timeline
from fleet.progress import Progress
from fleet.project import find
from rehearsal.errors import RehearsalError

_RESULTS = Path(__file__).resolve().parents[1] / "results"
_FOREVER_MIN = 60.0 * 24 * 365


def main(
    *,
    scenario: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    blocks: Annotated[int, typer.Option(min=1, help="Of each scenario.")] = 5,
    policies: Annotated[str, typer.Option(help="Names, with commas between.")] = ",".join(POLICIES),
    minutes: Annotated[
        float, typer.Option(help="Begin no run after this; the same command goes on.")
    ] = _FOREVER_MIN,
    results: Annotated[Path, typer.Option(help="Folder of live.md, .json and .png.")] = _RESULTS,
) -> None:
    """Run every policy on the rehearsal and compare ours with each other one."""
    console, stated = Console(), scenarios()
    names = [name for name in policies.split(",") if name]
    wanted = [_known(name, stated) for name in scenario or stated]
    for name in names:
        _checked(name, stated[wanted[0]])
    kept = find(Path(__file__)).state / "live"
    stores = [Store(kept / "runs", stated[name]) for name in wanted]
    progress = Progress(console)
    until = time.monotonic() + 60 * minutes
    try:
        complete = [Blocks(one, names, progress, until).run(blocks) for one in stores]
    except RehearsalError as error:
        console.print(str(error), highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    # The page has every scenario that was ever run with these settings.
    every = [Store(kept / "runs", one) for one in stated.values()]
    outcomes = [found for one in every if (found := outcome(one, names, blocks))]
    _record(outcomes, kept / "recordings")
    _conclude(outcomes, results, console)
    if not all(complete):
        console.print("not every block is there: run the same command again to go on")
        raise typer.Exit(1)


def _conclude(outcomes: Sequence[Outcome], results: Path, console: Console) -> None:
    if not outcomes:
        console.print("no block is complete yet")
        return
    results.mkdir(parents=True, exist_ok=True)
    text = report.page(outcomes)
    (results / "live.md").write_text(text)
    (results / "live.json").write_text(report.document(outcomes))
    picture.save(outcomes, results / "live.png")
    console.print(Markdown(text))
    console.print(f"saved {results / 'live'}.md, .json, .png", highlight=False, soft_wrap=True)


def _record(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Keep one run of ours a scenario, as `benchmarks.model.calibration` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in outcomes:
        ours = next((policy for policy in one.policies if policy.name == OURS), None)
        if ours is not None:
            told = timeline(one.scenario, ours.runs[min(ours.runs)])
            (folder / f"{one.scenario.name}.json").write_text(json.dumps(told, indent=1) + "\n")


def _known(name: str, stated: Mapping[str, Scenario]) -> str:
    if name in stated:
        return name
    raise typer.BadParameter(f"{name!r} is no scenario; known are {', '.join(stated)}")


def _checked(name: str, scenario: Scenario) -> None:
    try:
        arm(scenario, name)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


if __name__ == "__main__":
    typer.run(main)
