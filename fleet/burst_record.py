"""What a burst looked like over time, and what it amounts to."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """One look at a queue and its worker during a burst."""

    at_s: float
    """Seconds since the first task was sent."""
    pending: int
    in_flight: int
    done: int
    """Tasks of the queue that ended since the burst began, failed ones included."""
    ready: int
    desired: int


@dataclass(frozen=True)
class Summary:
    """The figures of a whole burst; a moment that never came is None."""

    tasks: int
    results: int
    failed: int
    redelivered: int
    sent_after_s: float
    first_start_after_s: float | None
    drained_after_s: float | None
    max_replicas: int
    back_to_minimum_after_s: float | None

    @property
    def problems(self) -> list[str]:
        """What went wrong; empty where every task gave one result and none came twice."""
        told = []
        if self.results != self.tasks:
            told.append(f"{self.results} results for {self.tasks} tasks ({self.failed} failed)")
        if self.redelivered:
            told.append(f"{self.redelivered} tasks were delivered again")
        if self.drained_after_s is None:
            told.append("the queue was not drained in time")
        elif self.back_to_minimum_after_s is None:
            told.append("the worker was not back at its minimum in time")
        return told


def is_drained(sample: Sample, tasks: int) -> bool:
    """Whether every task has ended and nothing waits or runs."""
    return sample.done >= tasks and sample.pending == 0 and sample.in_flight == 0


def is_at_rest(sample: Sample, tasks: int, min_replicas: int) -> bool:
    """Whether the burst is over and its worker is back at the minimum."""
    return is_drained(sample, tasks) and max(sample.ready, sample.desired) <= min_replicas


def first_start_s(samples: Sequence[Sample]) -> float | None:
    """Moment at which a task was first seen in flight or done; late by up to one sample."""
    return next((s.at_s for s in samples if s.in_flight or s.done), None)


def drained_s(samples: Sequence[Sample], tasks: int) -> float | None:
    """Moment at which the queue was first seen drained."""
    return next((s.at_s for s in samples if is_drained(s, tasks)), None)


def at_rest_s(samples: Sequence[Sample], tasks: int, min_replicas: int) -> float | None:
    """Moment at which the worker was first seen back at its minimum."""
    return next((s.at_s for s in samples if is_at_rest(s, tasks, min_replicas)), None)
