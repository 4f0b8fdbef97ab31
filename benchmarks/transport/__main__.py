"""`python -m benchmarks.transport`: throughput, pick-up by an idle worker, commands it costs."""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from benchmarks.image.arms import Shape, bench
from benchmarks.transport.arms import DELIVERIES, Delivery, DeliveryBench, idle_commands_per_s
from fleet.progress import Progress

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "transport.json"
# Tasks, seconds of each, and who runs them.
_LOADS = (
    (1500, 0.0, Shape("prefork", 2)),
    (1500, 0.0, Shape("gevent", 16)),
    (800, 0.01, Shape("prefork", 4)),
    (24, 1.0, Shape("prefork", 4)),
)
_WAITER, _IDLE_S, _PICK_UPS, _GAP_S, _PUBLISHED = Shape("prefork", 1), 10.0, 100, 0.15, 1500
_RATIO_LEAST, _IDLE_MOST_PER_S, _PICK_UP_MOST_MS = 0.9, 10.0, 100.0

Figures = dict[Delivery, float]


def main() -> int:
    """Measure both ways in turns, print and write the figures; 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transport", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="of each load, in turns")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="JSON file")
    options = parser.parse_args()
    console = Console()
    temporary = tempfile.TemporaryDirectory(prefix="celery-fleet-transport-")
    with temporary as folder, bench(Path(folder)) as ready:
        of = (ready.folder, ready.port, ready.metrics_port)
        arms = {way: DeliveryBench(*of, way) for way in DELIVERIES}
        figures = measured(arms, options.rounds, Progress(console))
    console.print(_table(figures))
    problems = list(_problems(figures))
    options.results.write_text(json.dumps({"figures": figures, "problems": problems}, indent=2))
    for problem in problems:
        console.print(f"! {problem}", style="red")
    return 1 if problems else 0


def measured(
    arms: dict[Delivery, DeliveryBench], rounds: int, progress: Progress
) -> dict[str, Figures]:
    """Return each figure by the way of delivery."""
    figures: dict[str, Figures] = {}
    for load in _LOADS:
        _, seconds, shape = load
        progress.say("throughput", f"{seconds * 1000:.0f} ms tasks, {shape}")
        told: dict[Delivery, list[float]] = {way: [] for way in arms}
        for turn in range(rounds):
            for way in list(arms)[:: 1 if turn % 2 == 0 else -1]:
                told[way].append(_throughput(arms[way], *load))
        figures[f"{seconds * 1000:.0f} ms tasks, {shape}, per s"] = {
            way: median(each) for way, each in told.items()
        }
    for way, arm in arms.items():
        progress.say("idle worker", f"{way}: what it costs, how soon it starts a task")
        for name, value in _single(arm):
            figures.setdefault(name, {})[way] = value
    return figures


def _single(arm: DeliveryBench) -> Iterator[tuple[str, float]]:
    yield "published, per s", arm.published_per_s(_PUBLISHED)
    yield "idle worker, commands per s", idle_commands_per_s(arm, _WAITER, _IDLE_S)
    waits_ms = _pick_ups_ms(arm)
    yield "pick-up p50, ms", median(waits_ms)
    yield "pick-up p99, ms", quantiles(waits_ms, n=100, method="inclusive")[-1]


def _throughput(arm: DeliveryBench, tasks: int, seconds: float, shape: Shape) -> float:
    """Tasks a second, from the worker's first start to its last, with all messages there."""
    arm.client().flushall()
    arm.publish(tasks, seconds)
    with arm.worker("fleet", shape, starts=True):
        starts = sorted(arm.started(tasks).values())
        time.sleep(seconds)
    return (tasks - 1) / (starts[-1] - starts[0])


def _pick_ups_ms(arm: DeliveryBench) -> list[float]:
    """From the begin of a publish to the start of its task, by a worker that waits."""
    arm.client().flushall()
    with arm.worker("fleet", _WAITER, starts=True):
        time.sleep(1)
        sent = arm.publish(_PICK_UPS, 0, _GAP_S)
        started = arm.started(_PICK_UPS)
    return [1000 * (started[task] - at) for task, at in sent.items()]


def _problems(figures: Mapping[str, Figures]) -> Iterator[str]:
    for name, each in figures.items():
        if name.endswith("per s") and "idle" not in name and _ratio(each) < _RATIO_LEAST:
            yield f"{name}: {_ratio(each):.2f} of stock, below {_RATIO_LEAST}"
    idle = figures["idle worker, commands per s"]["lease"]
    if idle > _IDLE_MOST_PER_S:
        yield f"an idle worker costs {idle:.1f} commands a second, above {_IDLE_MOST_PER_S}"
    late_ms = figures["pick-up p99, ms"]["lease"]
    if late_ms > _PICK_UP_MOST_MS:
        yield f"an idle worker starts after {late_ms:.0f} ms (p99), above {_PICK_UP_MOST_MS:.0f}"


def _ratio(each: Figures) -> float:
    return each["lease"] / each["stock"]


def _table(figures: Mapping[str, Figures]) -> Table:
    table = Table("", *DELIVERIES, "lease/stock")
    for name, each in figures.items():
        told = [f"{each[way]:.1f}" for way in DELIVERIES]
        table.add_row(name, *told, f"{_ratio(each):.2f}")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
