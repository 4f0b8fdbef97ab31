"""`python -m benchmarks.previews`: how fast a preview comes and goes, alone and ten at once."""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.previews.probe import first_task, objects
from benchmarks.previews.stage import Stage, staged
from fleet.previews.naming import preview_name
from fleet.progress import Progress

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "previews.json"
_UP_MOST_S, _DOWN_MOST_S, _OBJECTS_MOST, _TENTH_MOST = 30.0, 30.0, 15, 1.3


@dataclass(frozen=True)
class Life:
    """One preview, from its `up` to nothing."""

    branch: str
    up_s: float
    first_task_s: float
    """From the start of `up` to the end of a task that was sent after it."""
    down_s: float
    objects: int
    """Of the cluster."""
    steps: dict[str, dict[str, float]]
    """Seconds into `up` and `down` at which each told of a step."""


def main() -> int:
    """Measure, print and write the figures; 1 where a target is missed."""
    options = _options()
    console = Console()
    progress = Progress(console)
    load = os.getloadavg()[0]
    with staged("benchmark-previews", progress.reporter("stage")) as stage:
        life(stage, "bench/warm")
        alone = [_said(progress, life(stage, f"bench/{n}")) for n in range(options.rounds)]
        beside = list(crowd(stage, options.beside, progress))
    figures = measured(alone, beside) | {"load before": round(load, 1)}
    console.print(_table(figures))
    problems = list(missed(figures))
    figures |= {"alone": [asdict(each) for each in alone], "beside": beside, "problems": problems}
    options.results.write_text(json.dumps(figures, indent=2) + "\n")
    for problem in problems:
        console.print(f"! {problem}", style="red")
    return 1 if problems else 0


def crowd(stage: Stage, count: int, progress: Progress) -> Iterator[float]:
    """Bring up previews one after the other, all of which stay; then smoke each, all at once.

    Yields the seconds from each `up` to its first task's end.
    """
    branches = [f"bench/of-{count}-{n}" for n in range(count)]
    for branch in branches:
        up = stage.succeed("up", "--branch", branch)
        taken_s = round(up.seconds + first_task(stage, preview_name(branch)), 2)
        progress.say("beside others", f"{branch}: {taken_s} s to its first task")
        yield taken_s
    with ThreadPoolExecutor(count) as threads:
        told = [*threads.map(lambda each: stage.smoke(preview_name(each)).seconds, branches)]
        progress.say("all at once", f"{count} of `fleet smoke` passed, within {max(told):.1f} s")
    for branch in branches:
        stage.succeed("down", "--branch", branch)


def measured(alone: Sequence[Life], beside: Sequence[float]) -> dict[str, Any]:
    """Medians of the previews alone, and the last beside others by the first."""
    return {
        "up, s": median(each.up_s for each in alone),
        "up to first task done, s": median(each.first_task_s for each in alone),
        "down, s": median(each.down_s for each in alone),
        "objects in the cluster": max(each.objects for each in alone),
        "previews at once": len(beside),
        "last by first": round(beside[-1] / beside[0], 2),
    }


def missed(figures: dict[str, Any]) -> Iterator[str]:
    """Name the targets that are missed."""
    most = {
        "up to first task done, s": _UP_MOST_S,
        "down, s": _DOWN_MOST_S,
        "objects in the cluster": _OBJECTS_MOST,
        "last by first": _TENTH_MOST,
    }
    for name, limit in most.items():
        if figures[name] > limit:
            yield f"{name}: {figures[name]}, more than {limit:g}"


def life(stage: Stage, branch: str) -> Life:
    """Bring a preview up, have it do a task, and take it down."""
    up = stage.succeed("up", "--branch", branch)
    done_s = up.seconds + first_task(stage, preview_name(branch))
    made = objects(stage, preview_name(branch))
    down = stage.succeed("down", "--branch", branch)
    return Life(
        branch,
        up_s=round(up.seconds, 2),
        first_task_s=round(done_s, 2),
        down_s=round(down.seconds, 2),
        objects=made,
        steps={"up": up.steps, "down": down.steps},
    )


def _said(progress: Progress, one: Life) -> Life:
    told = f"up {one.up_s} s, first task {one.first_task_s} s, down {one.down_s} s"
    progress.say("alone", f"{told}, {one.objects} objects; {one.steps}")
    return one


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.previews", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="previews alone, one after another")
    parser.add_argument("--beside", type=int, default=10, help="previews at once")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="JSON file")
    return parser.parse_args()


def _table(figures: dict[str, Any]) -> Table:
    table = Table("figure", "measured", title="previews on the rehearsal")
    for name, value in figures.items():
        table.add_row(name, str(value))
    return table


if __name__ == "__main__":
    raise SystemExit(main())
