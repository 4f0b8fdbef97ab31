"""Runs of the simulator, kept by what went into them, so that slices of a benchmark add up."""

import hashlib
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

import fleet.simulation
from benchmarks.model.case import Case
from benchmarks.model.contenders import policy
from fleet.simulation import Outcome, Workload, simulate


@dataclass(frozen=True)
class Run:
    """One policy on one queue under one seed. Cost is that of the whole span and no more.

    A task counts if it was published so early that the tolerated wait ended within the span.
    """

    tasks: int
    in_time: int
    burst_tasks: int
    """Those published while a declared burst came in."""
    burst_in_time: int
    p95_s: float | None
    """None: fewer than 95 % of the tasks started at all."""
    killed: int
    lost: int
    duplicates: int
    pod_s: float
    node_s: float
    pod_starts: int


@dataclass(frozen=True)
class Job:
    """What one run is of; `key` changes with anything that could change its outcome."""

    case: Case
    contender: str
    seed: int

    @property
    def key(self) -> str:
        one = self.case
        scaled = policy(self.contender, one)
        told = (code_hash(), one.workload, scaled, one.infrastructure, one.wait_s, self.seed)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:24]


class Store:
    """Finished runs, a line each, in one file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._runs: dict[str, Run] = {}
        if file.exists():
            for line in file.read_text().splitlines():
                read = json.loads(line)
                key = read.pop("key")
                self._runs[key] = Run(**read)

    def get(self, key: str) -> Run | None:
        return self._runs.get(key)

    def add(self, key: str, run: Run) -> None:
        self._runs[key] = run
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a") as lines:
            lines.write(json.dumps({"key": key, **asdict(run)}) + "\n")


def carry_out(
    jobs: Sequence[tuple[str, Job]], processes: int, until_s: float
) -> Iterator[tuple[str, Run]]:
    """Run (key, job) pairs, in no particular order, until the monotonic clock shows `until_s`."""
    if processes == 1:
        for job in jobs:
            if time.monotonic() > until_s:
                return
            yield _keyed(job)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done in pool.imap_unordered(_keyed, jobs, chunksize=4):
            yield done
            if time.monotonic() > until_s:
                pool.terminate()
                return


def run(job: Job) -> Run:
    """Simulate one job."""
    one = job.case
    scaled = policy(job.contender, one)
    # No patience: every policy pays for the same hours.
    outcome = simulate(one.workload, scaled, one.infrastructure, job.seed, patience_s=0.0)
    return summary(outcome, one.workload, job.seed, one.wait_s)


def summary(outcome: Outcome, workload: Workload, seed: int, wait_s: float) -> Run:
    """What the benchmark keeps of an outcome."""
    arrival_s = np.asarray(workload.draw(seed).arrival_s)
    counted = arrival_s <= workload.span_s - wait_s
    in_burst = np.zeros(arrival_s.shape, dtype=bool)
    for burst in workload.bursts:
        in_burst |= (arrival_s >= burst.at_s) & (arrival_s <= burst.at_s + burst.within_s)
    in_burst &= counted
    in_time = outcome.waits_s <= wait_s
    waits = outcome.waits_s[counted]
    p95_s = float(np.quantile(waits, 0.95, method="higher")) if waits.size else 0.0
    return Run(
        tasks=int(counted.sum()),
        in_time=int((in_time & counted).sum()),
        burst_tasks=int(in_burst.sum()),
        burst_in_time=int((in_time & in_burst).sum()),
        p95_s=p95_s if np.isfinite(p95_s) else None,
        killed=outcome.killed,
        lost=outcome.lost,
        duplicates=outcome.duplicates,
        pod_s=round(outcome.pod_s, 3),
        node_s=round(outcome.node_s, 3),
        pod_starts=outcome.pod_starts,
    )


@cache
def code_hash() -> str:
    """Of the simulator's source; the policies are told apart by what they are."""
    source = [file.read_bytes() for file in sorted(_sources())]
    return hashlib.sha256(b"".join(source)).hexdigest()


def _sources() -> Iterator[Path]:
    yield Path(__file__)
    yield from Path(fleet.simulation.__file__).parent.glob("*.py")


def _keyed(job: tuple[str, Job]) -> tuple[str, Run]:
    key, described = job
    return key, run(described)
