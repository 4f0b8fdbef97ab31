"""What goes into a run and what is read from it."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fleet.simulation import Burst, Infrastructure, Workload, peers, simulate


def test_a_workload_has_the_rate_mean_and_spread_it_states() -> None:
    drawn = Workload(span_s=10_000.0, rate_per_s=5.0, task_s=7.0, task_cv=0.8).draw(1)
    durations = np.asarray(drawn.duration_s)

    assert len(durations) == pytest.approx(50_000, rel=0.02)
    assert durations.mean() == pytest.approx(7.0, rel=0.02)
    assert durations.std() / durations.mean() == pytest.approx(0.8, rel=0.03)
    assert list(drawn.arrival_s) == sorted(drawn.arrival_s)


def test_a_burst_arrives_whole_within_its_seconds() -> None:
    drawn = Workload(span_s=100.0, bursts=(Burst(10.0, 500, 5.0),)).draw(1)

    assert len(drawn.arrival_s) == 500
    assert 10.0 <= drawn.arrival_s[0] <= drawn.arrival_s[-1] <= 15.0


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"rate_per_s": -1.0}, "at least 0"),
        ({"bursts": (Burst(95.0, 5, 10.0),)}, "after the span"),
        ({"trace": ((101.0, 1.0),)}, "after the span"),
    ],
)
def test_a_workload_that_cannot_be_drawn_is_refused(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        replace(Workload(span_s=100.0), **settings)


def test_an_outcome_tells_quantiles_and_shares_of_waits_that_occurred() -> None:
    outcome = replace(
        simulate(Workload(span_s=1.0), peers.static(1, 1), Infrastructure(1.0)),
        waits_s=np.array([1.0, 2.0, 3.0, np.inf]),
        ends_s=np.array([2.0, 3.0, 9.0, np.inf]),
    )

    assert (outcome.p50_s, outcome.p95_s) == (3.0, math.inf)
    assert (outcome.share_within(2.0), outcome.unfinished) == (0.5, 1)
    assert math.isinf(outcome.completion_s)


def test_an_empty_queue_waits_for_nothing() -> None:
    outcome = simulate(Workload(span_s=60.0), peers.keda_defaults(5, 1), Infrastructure(1.0))

    assert (outcome.p99_s, outcome.share_within(0.0), outcome.completion_s) == (0.0, 1.0, 0.0)
    assert outcome.pod_s == 0.0


def test_the_hard_limit_ends_the_longest_tasks() -> None:
    free = Workload(span_s=3600.0, rate_per_s=1.0, task_s=60.0, task_cv=1.0)

    long, cut = free.draw(1), replace(free, limit_s=100.0).draw(1)

    assert max(long.duration_s) > 100.0
    assert cut.duration_s == tuple(min(seconds, 100.0) for seconds in long.duration_s)
