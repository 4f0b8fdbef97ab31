"""What arrives at a queue: when each task comes and how long it takes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Burst:
    """Tasks that arrive together, evenly at random over `within_s` from `at_s` on."""

    at_s: float
    tasks: int
    within_s: float


@dataclass(frozen=True)
class Arrivals:
    """One draw of a workload, in order of arrival; index i is the i-th task."""

    arrival_s: tuple[float, ...]
    duration_s: tuple[float, ...]


@dataclass(frozen=True)
class Workload:
    """A queue's load over `span_s` seconds: a Poisson stream, bursts on top, or a recorded trace.

    Task seconds are lognormal with mean `task_s` and coefficient of variation `task_cv`; 0 makes
    every task equal. None takes longer than `limit_s`, where Celery's hard limit ends it. A
    `trace` of (arrival_s, duration_s) replaces all of it.
    """

    span_s: float
    rate_per_s: float = 0.0
    bursts: tuple[Burst, ...] = ()
    task_s: float = 1.0
    task_cv: float = 0.5
    limit_s: float = math.inf
    trace: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            ValueError: a negative number, or an arrival outside the span.

        """
        if min(self.span_s, self.rate_per_s, self.task_s, self.task_cv, self.limit_s) < 0:
            raise ValueError(f"span, rate and task seconds are at least 0, not {self}")
        late = [burst for burst in self.bursts if burst.at_s + burst.within_s > self.span_s]
        if late:
            raise ValueError(f"{late[0]} ends after the span of {self.span_s} s")
        if self.trace and max(arrival for arrival, _ in self.trace) > self.span_s:
            raise ValueError(f"the trace has arrivals after the span of {self.span_s} s")

    def draw(self, seed: int) -> Arrivals:
        """Arrivals that depend on the workload and the seed alone, so policies can be paired."""
        if self.trace:
            ordered = sorted(self.trace)
            return Arrivals(
                tuple(arrival for arrival, _ in ordered),
                tuple(duration for _, duration in ordered),
            )
        times, durations = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
        arrivals = self._arrival_times(times)
        return Arrivals(tuple(arrivals.tolist()), self._durations(durations, len(arrivals)))

    def _arrival_times(self, draws: np.random.Generator) -> NDArray[np.float64]:
        steady = draws.uniform(0.0, self.span_s, draws.poisson(self.rate_per_s * self.span_s))
        bursts = [
            draws.uniform(burst.at_s, burst.at_s + burst.within_s, burst.tasks)
            for burst in self.bursts
        ]
        return np.sort(np.concatenate([steady, *bursts]))

    def _durations(self, draws: np.random.Generator, tasks: int) -> tuple[float, ...]:
        variance = math.log1p(self.task_cv**2)
        location = math.log(self.task_s) - variance / 2 if self.task_s > 0 else -math.inf
        drawn = draws.lognormal(location, math.sqrt(variance), tasks)
        seconds: list[float] = np.minimum(drawn, self.limit_s).tolist()
        return tuple(seconds)
