"""`python -m benchmarks.model`: simulate, judge, print, write; goes on where it was stopped."""

import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn, track

from benchmarks.model import page, report
from benchmarks.model.case import Case, frozen
from benchmarks.model.contenders import ABLATIONS, CONTENDERS, HINDSIGHT
from benchmarks.model.hindsight import fewest
from benchmarks.model.runs import Job, Run, Store, carry_out
from benchmarks.model.unseen import SEED, unseen
from benchmarks.model.verdict import Standing, Verdict, standing

_FOLDER = Path(__file__).resolve().parents[1]
_FOREVER_MIN = 60.0 * 24 * 365


def main(
    *,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each policy on each queue.")] = 20,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    queues: Annotated[
        Literal["all", "tuned", "unseen"], typer.Option(help="Which of the two sets.")
    ] = "all",
    draw: Annotated[int, typer.Option(min=0, help="Seed that the unseen queues come from.")] = SEED,
    minutes: Annotated[float, typer.Option(help="Stop after this; run again to go on.")] = (
        _FOREVER_MIN
    ),
    folder: Annotated[
        Path, typer.Option(help="Of results/model.md, .json and .png, and of finished runs.")
    ] = _FOLDER,
) -> None:
    """Simulate every queue under every policy and say who keeps which promise at what cost."""
    console = Console()
    cases = [
        *(frozen() if queues != "unseen" else []),
        *(unseen(draw) if queues != "tuned" else []),
    ]
    names = [*CONTENDERS, *ABLATIONS]
    keyed = {
        (one.name, name, seed): (job.key, job)
        for one in cases
        for name in names
        for seed in range(seeds)
        for job in [Job(one, name, seed)]
    }
    store = Store(folder / ".cache" / "model.jsonl")
    until_s = time.monotonic() + minutes * 60
    left = _simulate(list(keyed.values()), store, jobs, until_s, console)
    if left:
        console.print(f"{left} runs are left: run again to go on")
        raise typer.Exit(1)
    verdicts = []
    for one in track(cases, "trying fixed numbers", console=console):
        least = fewest(one, seeds, store, until_s)
        if least is None:
            console.print("fixed numbers are left to try: run again to go on")
            raise typer.Exit(1)
        verdicts.append(_verdict(one, names, seeds, keyed, store, least))
    console.print(report.terminal_table(verdicts, seeds))
    console.print(report.conclusion(verdicts), highlight=False)
    _write(verdicts, seeds, draw, folder / "results")
    console.print(
        f"saved {folder / 'results' / 'model'}.md, .json, .png", highlight=False, soft_wrap=True
    )


def _simulate(
    wanted: list[tuple[str, Job]], store: Store, jobs: int, until_s: float, console: Console
) -> int:
    """Carry out what the store has not; how many are left."""
    distinct = dict(wanted)
    missing = [(key, job) for key, job in distinct.items() if store.get(key) is None]
    columns = ("simulating", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done = 0
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(distinct), completed=len(distinct) - len(missing))
        if missing:
            for key, run in carry_out(missing, jobs, until_s):
                store.add(key, run)
                done += 1
                progress.advance(task)
    return len(missing) - done


def _verdict(
    one: Case,
    names: list[str],
    seeds: int,
    keyed: dict[tuple[str, str, int], tuple[str, Job]],
    store: Store,
    least: Standing,
) -> Verdict:
    def runs(name: str) -> list[Run]:
        found = [store.get(keyed[one.name, name, seed][0]) for seed in range(seeds)]
        return [run for run in found if run is not None]

    standings = {name: standing(one, runs(name)) for name in names}
    return Verdict(one, {**standings, HINDSIGHT: least})


def _write(verdicts: list[Verdict], seeds: int, draw: int, folder: Path) -> None:
    from benchmarks.model import picture  # noqa: PLC0415 - matplotlib takes a second to import

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.md").write_text(page.markdown(verdicts, seeds, draw))
    (folder / "model.json").write_text(report.as_json(verdicts, seeds, draw))
    picture.save(verdicts, folder / "model.png")


if __name__ == "__main__":
    typer.run(main)
