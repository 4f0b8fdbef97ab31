"""`python -m benchmarks.api`: what the HTTP API accepts in a second, and how soon it answers."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console

from benchmarks.api.load import Load, Offered
from benchmarks.api.monitoring import answers_s
from benchmarks.api.report import Report, percentile_ms
from benchmarks.api.requests import accepted_ids, creations, written_ids
from benchmarks.api.stage import QUEUE, Stage, stage
from benchmarks.live.machine import Watch

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "api.json"
_WARM_UP_S = 2.0


def main() -> int:
    """Run, print the table, write the JSON file; 1 where an accepted task is not in Redis once."""
    options = _options()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="celery-fleet-api-") as folder:
        report = _run(Path(folder), options)
    console.print(report.table())
    report.write(options.results)
    for problem in report.problems:
        console.print(f"! {problem}", style="red")
    return 1 if report.problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--rate", type=float, default=1000.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long")
    parser.add_argument("--connections", type=int, default=64, help="kept open")
    parser.add_argument("--processes", type=int, default=2, help="of the API, on one port")
    parser.add_argument("--keys", action="store_true", help="an Idempotency-Key with each request")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="JSON file")
    return parser.parse_args()


def _run(folder: Path, options: argparse.Namespace) -> Report:
    with stage(folder, options.processes) as where:
        asyncio.run(_offer(where, options, min(100.0, options.rate), _WARM_UP_S))
        where.broker.flushall()
        watch, cpu_s = Watch((*where.processes, os.getpid())), where.api_cpu_s()
        offered = asyncio.run(_offer(where, options, options.rate, options.seconds))
        cpu_s, machine = where.api_cpu_s() - cpu_s, watch.so_far()
        accepted, written = accepted_ids(offered.answers), written_ids(where.broker, QUEUE)
        monitoring_s = answers_s(where)
    statuses = Counter(answer.status for answer in offered.answers)
    latencies_s = [answer.latency_s for answer in offered.answers]
    return Report(
        rate=options.rate,
        seconds=options.seconds,
        connections=options.connections,
        processes=options.processes,
        keys=options.keys,
        offered=offered.sent,
        accepted=len(accepted),
        refused=sum(n for status, n in statuses.items() if status != 200),  # noqa: PLR2004 - HTTP
        unanswered=offered.sent - len(offered.answers),
        lost=len(accepted - written.keys()),
        twice=sum(times > 1 for times in written.values()),
        not_told=len(written.keys() - accepted),
        per_second=round(len(accepted) / offered.elapsed_s, 1),
        p50_ms=percentile_ms(latencies_s, 0.5),
        p95_ms=percentile_ms(latencies_s, 0.95),
        p99_ms=percentile_ms(latencies_s, 0.99),
        api_cpu_us=round(1e6 * cpu_s / max(1, offered.sent)),
        cpu_busy=machine.cpu_busy,
        cpu_foreign=machine.cpu_foreign,
        cpu_pressure=machine.cpu_pressure,
        monitoring_slowest_ms={path: round(1000 * took, 1) for path, took in monitoring_s.items()},
        at=time.time(),
    )


async def _offer(where: Stage, options: argparse.Namespace, rate: float, seconds: float) -> Offered:
    load = Load(where.host, where.port, options.connections)
    return await load.offer(creations(keys=options.keys), rate, seconds)


if __name__ == "__main__":
    sys.exit(main())
