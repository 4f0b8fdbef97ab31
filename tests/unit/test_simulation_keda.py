"""KEDA's part: from rest to work and back, alone and in a whole run."""

from dataclasses import replace

import pytest

from fleet.simulation import (
    Behavior,
    Delivery,
    Infrastructure,
    QueueMetric,
    Rate,
    Rules,
    ScalingPolicy,
    Workload,
    simulate,
)
from fleet.simulation.keda import Keda

QUEUE = ScalingPolicy(
    name="queue",
    delivery=Delivery(1, prefetch_multiplier=1, late_ack=True, grace_s=1200.0),
    metric=QueueMetric(target=1, in_flight_weight=1.0),
    min_replicas=0,
    max_replicas=20,
    polling_interval_s=5.0,
    cooldown_s=60.0,
)
SLOW_DOWN = Behavior(down=Rules(3600.0, (Rate("Pods", 1, 600.0),)))
QUICK_START = Infrastructure(pod_start_s=5.0)


def burst(tasks: int, task_s: float, span_s: float = 1500.0) -> Workload:
    return Workload(span_s=span_s, trace=tuple((100.0, task_s) for _ in range(tasks)))


@pytest.mark.parametrize(("least", "woken"), [(0, 1), (1, 1), (4, 4)])
def test_waking_goes_to_one_or_the_minimum_at_once(least: int, woken: int) -> None:
    assert Keda(replace(QUEUE, min_replicas=least)).decide(0.0, 0, active=True) == woken


def test_idle_mode_wakes_to_the_minimum_and_rests_at_zero() -> None:
    keda = Keda(replace(QUEUE, min_replicas=4, idle_at_zero=True))

    assert keda.decide(0.0, 0, active=True) == 4
    assert keda.decide(5.0, 9, active=True) == 9
    assert keda.decide(10.0, 9, active=False) == 9
    assert keda.decide(70.0, 9, active=False) == 0


def test_it_sleeps_once_the_last_active_poll_is_longer_ago_than_the_cooldown() -> None:
    keda = Keda(QUEUE)
    keda.decide(100.0, 3, active=True)

    assert keda.decide(160.0, 3, active=False) == 3
    assert keda.decide(160.1, 3, active=False) == 0


def test_a_worker_never_active_sleeps_without_cooldown() -> None:
    assert Keda(QUEUE).decide(0.0, 3, active=False) == 0


def test_with_a_minimum_it_never_sleeps() -> None:
    keda = Keda(replace(QUEUE, min_replicas=2))

    assert keda.decide(1e6, 9, active=False) == 9
    assert keda.decide(1e6, 1, active=False) == 2


def test_a_burst_wakes_one_pod_and_the_hpa_adds_the_rest() -> None:
    timeline = simulate(burst(20, 60.0), QUEUE, QUICK_START, seed=3).timeline

    assert [replicas for _, replicas in timeline[:5]] == [0, 1, 4, 8, 16]
    assert timeline[1][0] - 100.0 <= QUEUE.polling_interval_s
    assert 0 < timeline[2][0] - timeline[1][0] <= QUEUE.hpa_period_s


def test_idle_mode_starts_all_of_the_minimum_at_once() -> None:
    policy = replace(QUEUE, min_replicas=12, idle_at_zero=True)

    assert [
        replicas for _, replicas in simulate(burst(20, 60.0), policy, QUICK_START).timeline[:2]
    ] == [0, 12]


def test_after_the_cooldown_it_goes_to_zero_past_the_hpas_window() -> None:
    policy = replace(QUEUE, behavior=SLOW_DOWN)

    outcome = simulate(burst(10, 60.0), policy, QUICK_START)

    (_, most), (zero_s, last) = outcome.timeline[-2:]
    assert (most, last) == (10, 0)
    assert 0 < zero_s - outcome.completion_s - policy.cooldown_s <= policy.polling_interval_s * 2


def test_the_last_replica_is_kedas_to_take() -> None:
    policy = replace(QUEUE, cooldown_s=5000.0)

    assert simulate(burst(10, 60.0), policy, QUICK_START).timeline[-1][1] == 1


def test_counting_what_is_in_flight_keeps_the_pod_of_a_long_task() -> None:
    outcome = simulate(burst(1, 1000.0), QUEUE, QUICK_START)

    assert [replicas for _, replicas in outcome.timeline] == [0, 1, 0]
    assert outcome.timeline[-1][0] > 1100.0
    assert (outcome.killed, outcome.executions) == (0, 1)


def test_counting_the_waiting_only_kills_a_long_task() -> None:
    policy = replace(
        QUEUE,
        metric=QueueMetric(target=1),
        cooldown_s=10.0,
        delivery=replace(QUEUE.delivery, grace_s=30.0),
    )

    outcome = simulate(burst(1, 1000.0), policy, QUICK_START, patience_s=600.0)

    assert outcome.timeline[-1][0] < 200.0
    assert (outcome.killed, outcome.unfinished) == (1, 1)


def test_a_spare_keeps_the_queue_active_for_ever() -> None:
    policy = replace(QUEUE, metric=QueueMetric(target=1, in_flight_weight=1.0, spare=2.0))

    timeline = simulate(burst(1, 10.0), policy, QUICK_START).timeline

    assert [replicas for _, replicas in timeline][:3] == [0, 1, 2]
    assert all(replicas for _, replicas in timeline[1:])
