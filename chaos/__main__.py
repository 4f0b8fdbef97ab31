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
from chaos.run import Plan, run
from fleet.progress import Progress

_SHORT_MESSAGES = 1000


def main(
    *,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each arm.")] = 5,
    messages: Annotated[int, typer.Option(min=50, help="Of each run, faults' own apart.")] = 5000,
    short: Annotated[bool, typer.Option("--short", help="One seed, fewer messages.")] = False,
    faults: Annotated[str, typer.Option(help="Numbers, with commas between.")] = "",
    arms: Annotated[str, typer.Option(help="Names, with commas between.")] = ",".join(ARMS),
    results: Annotated[Path, typer.Option(help="Folder of chaos.md, .json and .png.")] = RESULTS,
) -> None:
    """Exit with 1 where the fleet's arm breaks an invariant, or the stock one proves nothing."""
    console = Console()
    names, kinds = (
        [name for name in arms.split(",") if name],
        _chosen(faults, SHORT if short else LOCAL),
    )
    if unknown := [name for name in names if name not in ARMS]:
        raise typer.BadParameter(f"--arms {unknown[0]!r}: known are {', '.join(ARMS)}")
    plans = [
        Plan(seed, kinds, _SHORT_MESSAGES if short else messages)
        for seed in range(1, 2 if short else seeds + 1)
    ]
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    console.print(f"ledgers and logs: {folder}", highlight=False, soft_wrap=True)
    try:
        campaign = _campaign(names, plans, folder, Progress(console))
    except (TimeoutError, RuntimeError) as error:
        console.print(f"error: {error}", style="red", soft_wrap=True)
        raise typer.Exit(1) from error
    conclude(campaign, results / "chaos", console)


def _campaign(
    names: Sequence[str], plans: Sequence[Plan], folder: Path, progress: Progress
) -> Campaign:
    """Both arms of a seed run side by side, on brokers of their own."""
    campaign = Campaign({name: [] for name in names})
    for plan in plans:
        processes = {name: Processes(folder / f"{name}-{plan.seed}") for name in names}
        with ThreadPoolExecutor(len(names)) as running:
            begun = {
                name: running.submit(run, ARMS[name], plan, own, progress.reporter(name))
                for name, own in processes.items()
            }
            try:
                wait(begun.values(), return_when=FIRST_EXCEPTION)
            finally:
                # Threads that go on find their processes gone, and end.
                if not all(future.done() for future in begun.values()):
                    _stop(processes.values())
        for name, future in begun.items():
            campaign.runs[name].append(future.result())
    return campaign


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
