"""`python -m benchmarks.policy`: `pulumi preview` of a stack on AWS, with and without the pack."""

import argparse
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from fleet import project
from fleet.progress import Progress
from fleet.pulumi_runs import Pulumi
from fleet.rehearsed_stage import copied

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "policy.json"
_WITHOUT, _WITH = "without the pack", "with the pack"
_ADDED_MOST_S = 3.0

Seconds = dict[str, list[float]]


def main() -> int:
    """Preview in turns, print and write the figures; 1 where the pack adds more than it may."""
    options = _options()
    console = Console()
    progress = Progress(console)
    found = project.find()
    subprocess.run([found.root / ".ci/policy-venv"], check=True)
    arms = {_WITHOUT: (), _WITH: _pack(found.root)}
    with copied(found, options.stack, progress) as stage, stage.running() as pulumi:
        seconds = measured(pulumi, arms, options.rounds, progress)
    added_s = [after - before for before, after in zip(*seconds.values(), strict=True)]
    console.print(_table(options.stack, seconds, added_s))
    figures = {"stack": options.stack, "seconds": seconds, "addedSeconds": median(added_s)}
    options.results.write_text(json.dumps(figures, indent=2) + "\n")
    if median(added_s) > _ADDED_MOST_S:
        console.print(f"! the pack adds more than {_ADDED_MOST_S:.0f} s", style="red")
        return 1
    return 0


def measured(
    pulumi: Pulumi, arms: Mapping[str, Sequence[str]], rounds: int, progress: Progress
) -> Seconds:
    """Seconds of each preview by arm, in turns; one of each before fills caches."""
    seconds: Seconds = {arm: [] for arm in arms}
    for number, arm, given in _turns(arms, rounds):
        run = pulumi.succeed("preview", *given)
        progress.say("preview", f"{arm}: {run.seconds:.1f} s{'' if number else ', not counted'}")
        if number:
            seconds[arm].append(round(run.seconds, 2))
    return seconds


def _turns(
    arms: Mapping[str, Sequence[str]], rounds: int
) -> Iterator[tuple[int, str, Sequence[str]]]:
    for number in range(rounds + 1):
        for arm, given in arms.items():
            yield number, arm, given


def _pack(root: Path) -> tuple[str, ...]:
    given = root / "policies.json"
    return ("--policy-pack", str(root / "policy"), "--policy-pack-config", str(given))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.policy", description=__doc__)
    parser.add_argument("--stack", default="prod", help="on AWS, played by stand-ins")
    parser.add_argument("--rounds", type=int, default=7, help="previews of each arm")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="JSON file")
    return parser.parse_args()


def _table(stack: str, seconds: Seconds, added_s: list[float]) -> Table:
    table = Table(
        "preview",
        "median s",
        "from",
        "to",
        title=f"{stack}: {len(added_s)} previews each, in turns",
    )
    for name, values in {**seconds, "what the pack adds": added_s}.items():
        each = (median(values), min(values), max(values))
        table.add_row(name, *(f"{value:.2f}" for value in each))
    return table


if __name__ == "__main__":
    raise SystemExit(main())
