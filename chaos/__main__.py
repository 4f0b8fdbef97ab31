"""`python -m chaos`: put both arms through the faults, print the tables, write the page."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chaos.arms import ARMS
from chaos.campaign import Campaign
from chaos.conclusion import RESULTS, conclude
from chaos.faults import LOCAL, SHORT, Fault
from chaos.processes import Processes
from chaos.record import Observed
from chaos.run import Plan, run
from fleet.progress import Progress

_SHORT_MESSAGES = 1000


def main(
    *,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each arm.")] = 5,
    messages: Annotated[int, typer.Option(min=50, help="Of each run, faults' own apart.")] = 5000,
    short: Annotated[bool, typer.Option("--short", help="One seed, fewer messages.")] = False,
    at_once: Annotated[int, typer.Option(min=1, help="Seeds that run side by side.")] = 1,
    faults: Annotated[str, typer.Option(help="Numbers, with commas between.")] = "",
    results: Annotated[Path, typer.Option(help="Folder of chaos.md, .json and .png.")] = RESULTS,
) -> None:
    """Exit with 1 where the fleet's arm breaks an invariant, or the stock one proves nothing."""
    console = Console()
    kinds = _chosen(faults, SHORT if short else LOCAL)
    plans = [
        Plan(seed, kinds, _SHORT_MESSAGES if short else messages)
        for seed in range(1, 2 if short else seeds + 1)
    ]
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    console.print(f"ledgers and logs: {folder}", highlight=False, soft_wrap=True)
    try:
        campaign = _campaign(plans, at_once, folder, Progress(console))
    except (TimeoutError, RuntimeError) as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        raise typer.Exit(1) from error
    conclude(campaign, results / "chaos", console)


def _campaign(plans: Sequence[Plan], at_once: int, folder: Path, progress: Progress) -> Campaign:
    """Run so many seeds at a time."""
    processes = {
        plan.seed: {name: Processes(folder / f"{name}-{plan.seed}") for name in ARMS}
        for plan in plans
    }
    with ThreadPoolExecutor(at_once) as running:
        begun = [running.submit(_seed, plan, processes[plan.seed], progress) for plan in plans]
        try:
            wait(begun, return_when=FIRST_EXCEPTION)
        finally:
            if not all(future.done() for future in begun):
                running.shutdown(wait=False, cancel_futures=True)
                _stop(each for own in processes.values() for each in own.values())
    done = [future.result() for future in begun]
    return Campaign({name: [runs[name] for runs in done] for name in ARMS})


def _seed(
    plan: Plan, processes: Mapping[str, Processes], progress: Progress
) -> Mapping[str, Observed]:
    """Both arms of a seed run side by side, on brokers of their own."""
    with ThreadPoolExecutor(len(processes)) as running:
        tell = {name: progress.reporter(f"{name} {plan.seed}") for name in processes}
        begun = {
            name: running.submit(run, ARMS[name], plan, own, tell[name])
            for name, own in processes.items()
        }
        try:
            wait(begun.values(), return_when=FIRST_EXCEPTION)
        finally:
            # Threads that go on find their processes gone, and end.
            if not all(future.done() for future in begun.values()):
                _stop(processes.values())
    return {name: future.result() for name, future in begun.items()}


def _stop(running: Iterable[Processes]) -> None:
    for processes in running:
        processes.stop()


def _chosen(told: str, usual: Mapping[int, type[Fault]]) -> Sequence[type[Fault]]:
    """Return the faults of these numbers, the usual ones where none is named."""
    numbers = [number for number in told.split(",") if number] or [str(key) for key in usual]
    unknown = [number for number in numbers if not number.isdecimal() or int(number) not in LOCAL]
    if unknown:
        known = ", ".join(str(number) for number in sorted(LOCAL))
        raise typer.BadParameter(f"--faults {unknown[0]!r}: known are {known}")
    return [LOCAL[int(number)] for number in numbers]


if __name__ == "__main__":
    typer.run(main)
