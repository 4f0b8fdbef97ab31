"""`python -m benchmarks.scale_in --rounds 200`: scale-ins while tasks run, on a running fleet."""

import argparse
import sys
import threading
import time
from pathlib import Path

from rich.console import Console

from benchmarks.scale_in.load import Load
from benchmarks.scale_in.report import Report, drains, earlier
from benchmarks.scale_in.rounds import Rounds
from benchmarks.scale_in.target import Target, api_server
from fleet import session
from fleet.session import Session
from rehearsal.layout import Layout

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "scale_in.json"
_LAST_RESULT_S = 90.0


def main() -> int:
    """Run, print the table, write the files; 1 where a task was lost or ran twice."""
    options = _options()
    console = Console()
    try:
        before = _before(options) if options.add else None
        report = _run(session.begin(options.stack), options, console).with_earlier(before)
    except (TimeoutError, ValueError) as error:
        console.print(f"error: {error}", style="red")
        return 1
    console.print(report.table())
    report.write(options.results)
    for problem in report.problems:
        console.print(f"! {problem}", style="red")
    return 1 if report.problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_in", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="scale-ins")
    parser.add_argument("--stack", help="default: the last one up")
    parser.add_argument("--worker", default="scraping", help="one with a queue of its own name")
    parser.add_argument("--replicas", type=int, default=8, help="at most")
    parser.add_argument("--floor", type=int, default=4, help="at least")
    parser.add_argument("--seed", type=int, default=1, help="of the tasks' lengths")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="JSON file; .md beside it")
    parser.add_argument("--add", action="store_true", help="to the figures of that file")
    return parser.parse_args()


def _before(options: argparse.Namespace) -> Report | None:
    return earlier(options.results, options.replicas, options.floor, options.seed)


def _run(begun: Session, options: argparse.Namespace, console: Console) -> Report:
    config, layout = begun.config, Layout(begun.project.rehearsal)
    slots = config.workers[options.worker].concurrency * options.replicas
    load = Load(begun.api, options.worker, waiting=2 * slots, seed=options.seed)
    before, began = begun.api.queues()[options.worker], time.monotonic()
    with api_server(layout) as server:
        target = Target(begun.cluster, server, layout, config.namespace, options.worker)
        rounds = Rounds(target, load, options.replicas, options.floor, console.print)
        with target.paused():
            _under_load(load, rounds, options.rounds)
            lost, failed = load.unfinished(_LAST_RESULT_S)
    # Workers tell what ended a quarter second later.
    time.sleep(1.0)
    after = begun.api.queues()[options.worker]
    results, runs = len(load.sent) - len(lost) - len(failed), after.done - before.done
    return Report(
        rounds=len(rounds.victims),
        while_tasks_ran=sum(victim.finished > 0 for victim in rounds.victims),
        replicas=options.replicas,
        floor=options.floor,
        seeds=[options.seed],
        tasks=len(load.sent),
        results=results,
        failed=len(failed),
        lost=len(lost),
        runs=runs,
        duplicated=runs - results,
        redelivered=after.redelivered - before.redelivered,
        finished_after_sigterm=sum(victim.finished for victim in rounds.victims),
        drain_s=drains(rounds.victims),
        took_s=round(time.monotonic() - began, 1),
    )


def _under_load(load: Load, rounds: Rounds, number: int) -> None:
    sender = threading.Thread(target=load.run)
    sender.start()
    try:
        rounds.run(number)
    finally:
        load.stop()
        sender.join()


if __name__ == "__main__":
    sys.exit(main())
