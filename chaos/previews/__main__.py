"""`python -m chaos.previews`: previews come and go under faults; a table, JSON, an exit code."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.previews.stage import staged
from chaos.conclusion import RESULTS
from chaos.previews.cycle import Cycle, lived, undisturbed
from chaos.previews.leaks import KINDS as LEAKS
from chaos.previews.strikes import KINDS
from fleet.progress import Progress
from rehearsal.errors import RehearsalError


def main(
    *,
    cycles: Annotated[int, typer.Option(min=1, help="How many lives of a preview.")] = 20,
    first: Annotated[
        int,
        typer.Option(min=1, help="Number of the first; after 1 the file's figures are added to."),
    ] = 1,
    seed: Annotated[int, typer.Option(help="All strikes are made of it.")] = 1,
    results: Annotated[Path | None, typer.Option(help="File of figures.")] = None,
) -> None:
    """Exit with 1 where anything is left, or an undisturbed command does not finish."""
    console = Console()
    try:
        found = campaign(range(first, first + cycles), seed, Progress(console))
    except (RehearsalError, TimeoutError) as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        raise typer.Exit(1) from error
    console.print(table(found))
    for problem in problems(found):
        console.print(f"! {problem}", style="red", highlight=False, soft_wrap=True, markup=False)
    file = results or RESULTS / "chaos-previews.json"
    earlier = json.loads(file.read_text())["by cycle"] if first > 1 else []
    before = [each for each in earlier if each["number"] < first]
    told = figures([*before, *map(asdict, found)], seed)
    file.write_text(json.dumps(told, indent=2) + "\n")
    console.print(f"saved {file}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if problems(found) else 0)


def campaign(numbers: Sequence[int], seed: int, progress: Progress) -> list[Cycle]:
    """Live through the cycles of these numbers, one after the other, beside one base."""
    found = []
    with staged("chaos-previews", progress.reporter("stage")) as stage:
        typical = undisturbed(stage, progress.reporter("typical"))
        told = (
            f"up {typical.up_s:.0f} s, down {typical.down_s:.0f} s, load {os.getloadavg()[0]:.1f}"
        )
        progress.say("typical", told)
        for number in numbers:
            found.append(lived(stage, seed, number, typical, progress.reporter(f"cycle {number}")))
            progress.say(
                f"cycle {number}", f"{len(found[-1].left)} left, {found[-1].seconds:.0f} s"
            )
    return found


def table(found: Sequence[Cycle]) -> Table:
    """Lay out what the cycles met, and what each sort of strike hit."""
    made = Table("cycle", "strikes", "task done", "left", "s", title="previews under strikes")
    for each in found:
        hit = "; ".join(map(str, each.strikes))
        made.add_row(
            str(each.number),
            hit,
            "yes" if each.finished else "-",
            str(len(each.left)),
            f"{each.seconds:.0f}",
        )
    return made


def problems(found: Sequence[Cycle]) -> list[str]:
    """Name what is left, and each command that had to finish and did not."""
    told = []
    for each in found:
        told += [f"cycle {each.number}: {problem}" for problem in each.problems]
        told += [f"cycle {each.number}: left: {left.kind}: {left.name}" for left in each.left]
    return told


def figures(cycles: Sequence[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Count strikes and what is left by kind; each cycle below."""
    struck = [one for each in cycles for one in each["strikes"]]
    kinds = Counter(one["strike"]["kind"] for one in struck)
    left = Counter(one["kind"] for each in cycles for one in each["left"])
    return {
        "seed": seed,
        "cycles": len(cycles),
        "tasks done": sum(each["finished"] for each in cycles),
        "strikes": {kind: kinds[kind] for kind in KINDS},
        "strikes while an engine ran": sum(bool(one["engine"]) for one in struck),
        "left": {kind: left[kind] for kind in LEAKS},
        "commands that did not finish": sum(len(each["problems"]) for each in cycles),
        "by cycle": list(cycles),
    }


if __name__ == "__main__":
    typer.run(main)
