"""`python -m benchmarks.durability`: brokers that are lost while messages are published."""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random

from rich.console import Console

from benchmarks.durability.aof import FSYNCS, restarted
from benchmarks.durability.failover import failed_over
from benchmarks.durability.outcome import Outcome, cell
from benchmarks.durability.report import Report

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "durability.json"
_LAGS_MS = (0, 1, 10, 100)
_REPLICAS = {"stock": 0, "confirmed": 1}
# So that kills fall into any part of what a server does once a second.
_SPREAD_S = 1.0

Trial = Callable[[Path, float], Outcome]


def main() -> int:
    """Run, print the tables, write the files; 1 where a promise is broken or nothing is shown."""
    options = _options()
    console = Console()
    report = run(options.lags, options.kills, options.seconds, options.seed)
    for table in report.tables():
        console.print(table)
    report.write(options.results)
    for problem in report.problems:
        console.print(f"! {problem}", style="red")
    return 1 if report.problems else 0


def run(lags_ms: Sequence[int], kills: int, publishing_s: float, seed: int) -> Report:
    """Kill so often in each way, the ways in turns."""
    trials: dict[tuple[str, str], Trial] = {}
    for lag_ms in lags_ms:
        for way, replicas in _REPLICAS.items():
            trials[f"{lag_ms} ms", way] = partial(
                failed_over, confirm_replicas=replicas, lag_s=lag_ms / 1000
            )
    for fsync in FSYNCS:
        trials["aof", fsync] = partial(restarted, fsync=fsync)
    began, draw = time.monotonic(), Random(seed)  # noqa: S311 - no secret
    told: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for _ in range(kills):
        for name, trial in trials.items():
            with tempfile.TemporaryDirectory(prefix="celery-fleet-durability-") as folder:
                seconds = publishing_s + draw.uniform(0, _SPREAD_S)
                told[name].append(trial(Path(folder), seconds))
    return Report(
        publishing_s=publishing_s,
        failover={
            f"{lag_ms} ms": {way: cell(told[f"{lag_ms} ms", way]) for way in _REPLICAS}
            for lag_ms in lags_ms
        },
        aof={fsync: cell(told["aof", fsync]) for fsync in FSYNCS},
        took_s=round(time.monotonic() - began, 1),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durability", description=__doc__)
    parser.add_argument("--kills", type=int, default=5, help="in each way")
    parser.add_argument("--seconds", type=float, default=1.5, help="of publishing before a kill")
    parser.add_argument("--lags", type=int, nargs="+", default=_LAGS_MS, help="ms, ascending")
    parser.add_argument("--seed", type=int, default=1, help="of when a kill comes")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="JSON file; .md beside it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
