"""The peers keep what their sources publish, and show the pains their authors report."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.simulation import (
    Burst,
    Delivery,
    Infrastructure,
    QueueMetric,
    ScalingPolicy,
    Workload,
    peers,
    simulate,
)

CAREFUL = Delivery(
    1,
    prefetch_multiplier=1,
    disable_prefetch=True,
    late_ack=True,
    grace_s=4000.0,
    visibility_timeout_s=9000.0,
)


def test_all_scaled_peers_obey_the_maximum_and_concurrency_given() -> None:
    load = Workload(span_s=900.0, bursts=(Burst(60.0, 400, 10.0),), task_s=30.0)
    makers = (
        peers.keda_defaults,
        peers.airflow_chart,
        peers.mitodl_generic,
        peers.mitodl_cms,
        peers.cpu_hpa,
        peers.klippa,
    )
    for maker in makers:
        policy = maker(7, 3)
        assert (policy.max_replicas, policy.delivery.concurrency) == (7, 3)
        assert simulate(load, policy, Infrastructure(5.0)).max_replicas <= 7


def test_airflows_formula_rounds_before_the_dead_band() -> None:
    airflow = peers.airflow_chart(20, 4).metric
    plain = QueueMetric(target=4, in_flight_weight=1.0)

    assert isinstance(airflow, QueueMetric)
    assert (airflow.value(1, 40), airflow.per_replica) == (11, 1.0)
    assert (plain.value(1, 40), plain.per_replica) == (41, 4)


def test_keda_with_defaults_goes_to_zero_while_its_workers_keep_up() -> None:
    load = Workload(span_s=3600.0, rate_per_s=20.0, task_s=0.3)

    timeline = simulate(load, peers.keda_defaults(10, 8), Infrastructure(10.0)).timeline

    assert sum(replicas == 0 for _, replicas in timeline) > 3


def test_keda_with_defaults_asks_for_one_pod_for_five_long_tasks() -> None:
    load = Workload(span_s=3600.0, trace=tuple((0.0, 600.0) for _ in range(5)))
    listed = replace(peers.keda_defaults(10, 1), delivery=CAREFUL)
    counted = replace(peers.airflow_chart(10, 1), delivery=CAREFUL)

    slow, quick = (simulate(load, policy, Infrastructure(10.0)) for policy in (listed, counted))

    assert slow.max_replicas == 1
    assert slow.p95_s > 2000.0
    assert quick.max_replicas == 5
    assert quick.p95_s < 60.0


def test_an_up_window_of_five_minutes_sleeps_through_a_shorter_burst() -> None:
    load = Workload(span_s=3600.0, bursts=(Burst(600.0, 100, 5.0),), task_s=4.0)
    window = peers.mitodl_generic(20, 2)
    none = replace(window, behavior=None)

    assert simulate(load, window, Infrastructure(10.0)).max_replicas == 1
    assert simulate(load, none, Infrastructure(10.0)).max_replicas > 4


def test_prefetched_messages_wait_behind_long_tasks() -> None:
    load = Workload(span_s=4000.0, bursts=(Burst(10.0, 8, 5.0),), task_s=300.0, task_cv=0.0)
    policy = ScalingPolicy(
        "prefetch", CAREFUL, QueueMetric(1, in_flight_weight=1.0), 0, 20, polling_interval_s=5.0
    )
    greedy = replace(policy, delivery=Delivery(1, 4, late_ack=True, grace_s=4000.0))

    assert simulate(load, policy, Infrastructure(10.0)).p95_s < 60.0
    assert simulate(load, greedy, Infrastructure(10.0)).p95_s >= 300.0


def test_klippas_worker_never_rests_at_zero() -> None:
    timeline = simulate(
        Workload(span_s=7200.0), peers.klippa(10, 2, min_replicas=0), Infrastructure(10.0)
    ).timeline

    assert timeline[-1][1] == 1


def test_klippas_load_adds_pods_for_what_waits() -> None:
    load = Workload(span_s=900.0, bursts=(Burst(60.0, 400, 10.0),), task_s=30.0)

    assert simulate(load, peers.klippa(20, 2), Infrastructure(5.0)).max_replicas == 20


def test_cpu_grows_under_load_and_shrinks_a_window_after_it() -> None:
    load = Workload(span_s=7200.0, bursts=(Burst(0.0, 10_000, 5000.0),), task_s=8.0)

    outcome = simulate(load, peers.cpu_hpa(20, 4), Infrastructure(10.0))

    assert 5 <= outcome.max_replicas <= 10
    shrunk_s, last = outcome.timeline[-1]
    assert last == 1
    assert outcome.completion_s < shrunk_s < outcome.completion_s + 400.0


@pytest.mark.parametrize("settings", [{"min_replicas": 9}, {"hpa_period_s": 0.0}])
def test_bounds_and_periods_that_kubernetes_refuses_are_refused(
    settings: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match="KEDA defaults"):
        replace(peers.keda_defaults(5, 1), **settings)


def test_a_cpu_hpa_from_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot reach 0"):
        replace(peers.cpu_hpa(5, 1), min_replicas=0)


def test_slots_that_serve_on_are_not_asked_for_twice() -> None:
    summed = QueueMetric(target=1, pending_weight=0.1, in_flight_weight=1.0, spare=2)
    shared = replace(summed, slots_serve_on=True)

    assert [metric.value(100, 40) for metric in (summed, shared)] == [52, 42]
    assert [metric.value(600, 40) for metric in (summed, shared)] == [102, 66]
    assert [replace(m, pending_weight=1.0).value(5, 40) for m in (summed, shared)] == [47, 47]
