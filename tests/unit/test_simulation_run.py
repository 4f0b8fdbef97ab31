"""Whole runs: against Erlang C, the same for a seed, and no task unaccounted for."""

import ast
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import fleet.simulation
from fleet.simulation import (
    Behavior,
    Burst,
    Delivery,
    Infrastructure,
    NodeGroup,
    Outcome,
    QueueMetric,
    Rules,
    ScalingPolicy,
    Workload,
    peers,
    simulate,
)
from infra.sizing.erlang import mean_wait_s, wait_tail

BATCHES = 25
MIXED = Workload(
    span_s=1800.0, rate_per_s=0.2, bursts=(Burst(300.0, 60, 20.0),), task_s=20.0, task_cv=1.0
)
SMALL_NODES = Infrastructure(5.0, NodeGroup(60.0, pods_per_node=4, image_pull_s=30.0))


def fixed_slots(slots: int) -> ScalingPolicy:
    return replace(
        peers.static(1, slots), delivery=Delivery(slots, disable_prefetch=True, late_ack=True)
    )


def exponential_load(rate_per_s: float, tasks: int, seed: int) -> Workload:
    draws = np.random.default_rng(seed)
    arrivals = np.cumsum(draws.exponential(1 / rate_per_s, tasks)).tolist()
    durations = draws.exponential(1.0, tasks).tolist()
    return Workload(span_s=arrivals[-1], trace=tuple(zip(arrivals, durations, strict=True)))


def batch_error(values: NDArray[np.float64]) -> float:
    """Standard error of the mean of a correlated series, from means of long batches."""
    means = [float(batch.mean()) for batch in np.array_split(values, BATCHES)]
    return float(np.std(means, ddof=1)) / math.sqrt(BATCHES)


@pytest.mark.parametrize(
    ("slots", "load", "wait_s"), [(1, 0.5, 1.0), (10, 8.0, 0.5), (40, 34.0, 0.2)]
)
def test_fixed_slots_wait_as_erlang_c_says_within_three_standard_errors(
    slots: int, load: float, wait_s: float
) -> None:
    waits = simulate(
        exponential_load(load, 200_000, seed=7), fixed_slots(slots), Infrastructure(1.0)
    ).waits_s
    beyond = (waits > wait_s).astype(float)

    mean, tail = mean_wait_s(slots, load, 1.0), wait_tail(slots, load, 1.0, wait_s)
    assert abs(waits.mean() - mean) < 3 * batch_error(waits) < 0.3 * mean
    assert abs(beyond.mean() - tail) < 3 * batch_error(beyond) < 0.3 * tail


@pytest.mark.parametrize("cv", [0.0, 0.5, 1.5])
def test_other_spreads_wait_within_a_fifth_of_allen_and_cunneen(cv: float) -> None:
    load = Workload(span_s=8000.0, rate_per_s=8.0, task_s=1.0, task_cv=cv)

    waits = simulate(load, fixed_slots(10), Infrastructure(1.0), seed=2).waits_s

    assert waits.mean() == pytest.approx(mean_wait_s(10, 8.0, 1.0, cv), rel=0.2)


def all_peers() -> list[ScalingPolicy]:
    return [
        peers.keda_defaults(20, 2),
        peers.airflow_chart(20, 2),
        peers.mitodl_generic(20, 2),
        peers.mitodl_cms(20, 2),
        peers.cpu_hpa(20, 2),
        peers.klippa(20, 2),
        peers.static(6, 2),
    ]


def summary(outcome: Outcome) -> tuple[object, ...]:
    return (
        outcome.waits_s.tolist(),
        outcome.ends_s.tolist(),
        outcome.timeline,
        outcome.pod_s,
        outcome.node_s,
        outcome.executions,
    )


@pytest.mark.parametrize("policy", all_peers(), ids=lambda policy: policy.name)
def test_a_seed_repeats_a_run_exactly_and_another_does_not(policy: ScalingPolicy) -> None:
    first, again, other = (simulate(MIXED, policy, SMALL_NODES, seed) for seed in (1, 1, 2))

    assert summary(first) == summary(again)
    assert summary(first) != summary(other)


def test_policies_with_one_seed_see_the_same_tasks() -> None:
    assert MIXED.draw(5) == MIXED.draw(5)
    tasks = {len(simulate(MIXED, policy, SMALL_NODES, 5).waits_s) for policy in all_peers()}
    assert len(tasks) == 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("late_ack", [True, False])
@pytest.mark.parametrize("policy", all_peers(), ids=lambda policy: policy.name)
def test_every_task_ends_once_more_than_it_was_killed_repeated_or_lost(
    policy: ScalingPolicy, seed: int, *, late_ack: bool
) -> None:
    harsh = replace(
        policy,
        delivery=replace(
            policy.delivery,
            prefetch_multiplier=2,
            late_ack=late_ack,
            grace_s=10.0,
            visibility_timeout_s=45.0,
        ),
    )

    outcome = simulate(MIXED, harsh, SMALL_NODES, seed)

    ended = int(np.isfinite(outcome.ends_s).sum())
    assert outcome.executions == ended + outcome.repeated_ends + outcome.killed
    assert outcome.duplicates <= outcome.redelivered
    assert outcome.lost <= (0 if late_ack else outcome.killed)
    # At zero replicas, with the waiting alone counted, nobody is left to put a message back.
    stranded = outcome.unfinished - outcome.lost
    assert stranded == 0 or (stranded > 0 and outcome.timeline[-1][1] == 0)
    assert np.all(outcome.waits_s >= 0)


def test_a_killed_message_waits_at_zero_replicas_until_another_task_wakes_a_worker() -> None:
    policy = replace(
        peers.keda_defaults(5, 1),
        cooldown_s=10.0,
        delivery=Delivery(1, 1, late_ack=True, grace_s=10.0, visibility_timeout_s=300.0),
    )
    alone = Workload(span_s=4000.0, trace=((0.0, 200.0),))
    followed = replace(alone, trace=(*alone.trace, (3000.0, 1.0)))

    left, found = (
        simulate(load, policy, Infrastructure(5.0), patience_s=0.0) for load in (alone, followed)
    )

    assert (left.killed, left.redelivered, left.unfinished) == (1, 0, 1)
    assert found.redelivered == 1


def test_careful_delivery_loses_repeats_and_kills_nothing() -> None:
    careful = Delivery(
        2, 1, disable_prefetch=True, late_ack=True, grace_s=3600.0, visibility_timeout_s=9000.0
    )
    policy = ScalingPolicy("careful", careful, QueueMetric(2, in_flight_weight=1.0), 0, 20)

    outcome = simulate(MIXED, policy, SMALL_NODES)

    assert (outcome.killed, outcome.duplicates, outcome.lost, outcome.unfinished) == (0, 0, 0, 0)


def test_a_fixed_number_costs_its_pods_for_the_whole_run() -> None:
    outcome = simulate(MIXED, peers.static(6, 2), SMALL_NODES)

    assert outcome.pod_s == pytest.approx(6 * outcome.end_s)
    assert outcome.node_s == pytest.approx(2 * outcome.end_s)
    assert (outcome.pod_starts, outcome.max_replicas) == (0, 6)


def test_without_shutdowns_pod_seconds_are_the_area_under_the_timeline() -> None:
    policy = replace(
        peers.airflow_chart(20, 2),
        cooldown_s=86_400.0,
        behavior=Behavior(down=Rules(0.0, (), "Disabled")),
    )

    outcome = simulate(MIXED, policy, Infrastructure(5.0))

    points = [*outcome.timeline, (outcome.end_s, 0)]
    area = sum(n * (then - now) for (now, n), (then, _) in pairwise(points))
    grown = [n for _, n in outcome.timeline]
    assert grown == sorted(grown)
    assert outcome.pod_s == pytest.approx(area)


def test_a_task_that_is_killed_for_ever_ends_the_run_unfinished() -> None:
    policy = replace(peers.airflow_chart(5, 1), metric=QueueMetric(target=5))

    outcome = simulate(
        Workload(span_s=10.0, trace=((0.0, 7200.0),)),
        policy,
        Infrastructure(1.0),
        patience_s=3600.0,
    )

    assert (outcome.killed, outcome.unfinished, outcome.end_s) == (1, 1, 3610.0)


def test_the_simulation_reads_no_clock_no_environment_and_no_chance_of_its_own() -> None:
    for file in Path(fleet.simulation.__file__).parent.glob("*.py"):
        names = {
            alias.name.split(".")[0] if isinstance(node, ast.Import) else str(node.module)
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not names & {"time", "datetime", "os", "random", "secrets"}, file
