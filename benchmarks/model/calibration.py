"""The simulator against a recorded run: whether it scales up as fast as KEDA and the HPA did.

`python -m benchmarks.model.calibration recorded.json`. The recording has, all in seconds: the
settings `hpa_period_s`, `polling_interval_s`, `cooldown_s`, `start_s`, `concurrency`, `min`, `max`
and `formula` (`pending_weight`, `spare`); `tasks` (`published_s`, `started_s`, `ended_s`);
`replicas` and `ready` as pairs of time and number, a pair per change.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fleet.simulation import (
    Behavior,
    Delivery,
    Infrastructure,
    Outcome,
    QueueMetric,
    Rate,
    Rules,
    ScalingPolicy,
    Workload,
    simulate,
)

SEEDS = 20
_DAY_S = 86_400.0
Changes = Sequence[tuple[float, int]]


@dataclass(frozen=True)
class Comparison:
    """Medians of a recorded run and of simulated ones with the same tasks and settings.

    A pod's scale-up time runs from the publication of the first task that is not yet done to the
    pod's being asked for, or ready.
    """

    recorded_scale_up_s: float
    simulated_scale_up_s: float
    recorded_ready_s: float
    simulated_ready_s: float
    recorded_p95_wait_s: float
    simulated_p95_wait_s: float
    hpa_period_s: float

    @property
    def agrees(self) -> bool:
        """Whether both scale-up times differ by no more than the HPA's own uncertainty."""
        asked_s = abs(self.recorded_scale_up_s - self.simulated_scale_up_s)
        ready_s = abs(self.recorded_ready_s - self.simulated_ready_s)
        return max(asked_s, ready_s) <= self.hpa_period_s


def compare(recorded: Path) -> Comparison:
    """Simulate what was recorded; the loops' phases, unknown, differ by seed.

    Raises:
        ValueError: a recording without a task, or in which no pod was added.

    """
    try:
        return compared(json.loads(recorded.read_text()))
    except ValueError as error:
        raise ValueError(f"{recorded}: {error}") from error


def compared(told: dict[str, Any]) -> Comparison:
    """Simulate a recording that has been read already.

    Raises:
        ValueError: as for `compare`.

    """
    tasks = [(t["published_s"], t["started_s"], t["ended_s"]) for t in told["tasks"]]
    if not tasks:
        raise ValueError("there are no tasks")
    runs = [
        simulate(_workload(tasks), _policy(told), Infrastructure(told["start_s"]), seed)
        for seed in range(SEEDS)
    ]
    spans = _busy_spans((published, ended) for published, _, ended in tasks)
    asked = _scale_up_s(told["replicas"], spans)
    ready = _scale_up_s(told["ready"], spans)
    simulated = [time_s for run in runs for time_s in _simulated_scale_up_s(run, tasks)]
    if not (asked and ready and simulated):
        raise ValueError("no pod was added while tasks waited, or none is simulated")
    return Comparison(
        recorded_scale_up_s=median(asked),
        simulated_scale_up_s=median(simulated),
        recorded_ready_s=median(ready),
        simulated_ready_s=median(simulated) + told["start_s"],
        recorded_p95_wait_s=float(np.quantile([t[1] - t[0] for t in tasks], 0.95)),
        simulated_p95_wait_s=median(run.p95_s for run in runs),
        hpa_period_s=told["hpa_period_s"],
    )


def _workload(tasks: Sequence[tuple[float, float, float]]) -> Workload:
    trace = tuple((published, ended - started) for published, started, ended in tasks)
    return Workload(span_s=max(published for published, _ in trace), trace=trace)


def _policy(told: dict[str, Any]) -> ScalingPolicy:
    """Ours, with the settings that were recorded."""
    at_once = (Rate("Pods", told["max"], told["hpa_period_s"]),)
    return ScalingPolicy(
        name="recorded",
        delivery=Delivery(
            told["concurrency"],
            prefetch_multiplier=1,
            disable_prefetch=True,
            late_ack=True,
            grace_s=_DAY_S,
            visibility_timeout_s=_DAY_S,
        ),
        metric=QueueMetric(
            target=told["concurrency"],
            pending_weight=told["formula"]["pending_weight"],
            in_flight_weight=1.0,
            spare=told["formula"]["spare"],
            slots_serve_on=True,
        ),
        min_replicas=told["min"],
        max_replicas=told["max"],
        polling_interval_s=told["polling_interval_s"],
        cooldown_s=told["cooldown_s"],
        behavior=Behavior(up=Rules(0.0, at_once), down=Rules(told["cooldown_s"], at_once)),
        hpa_period_s=told["hpa_period_s"],
    )


def _simulated_scale_up_s(
    run: Outcome, tasks: Sequence[tuple[float, float, float]]
) -> Iterable[float]:
    published = sorted(task[0] for task in tasks)
    spans = _busy_spans(zip(published, run.ends_s.tolist(), strict=True))
    return _scale_up_s(run.timeline, spans)


def _busy_spans(tasks: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """(begin, end) of the times in which at least one task is published and not yet done."""
    spans: list[tuple[float, float]] = []
    for begin_s, end_s in sorted(tasks):
        if spans and begin_s <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end_s))
        else:
            spans.append((begin_s, end_s))
    return spans


def _scale_up_s(changes: Changes, spans: Sequence[tuple[float, float]]) -> list[float]:
    """For each pod added in a busy span, the seconds since the span began."""
    times = []
    for (_, before), (at_s, after) in pairwise(changes):
        span = next((begin_s for begin_s, end_s in spans if begin_s <= at_s <= end_s), None)
        if span is not None:
            times += [at_s - span] * max(0, after - before)
    return times


if __name__ == "__main__":
    found = compare(Path(sys.argv[1]))
    sys.stdout.write(f"{found}\nagrees: {found.agrees}\n")
    sys.exit(0 if found.agrees else 1)
