"""Pods and nodes: how long they take, which go first, what they cost."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fleet.simulation import (
    Delivery,
    Infrastructure,
    NodeGroup,
    QueueMetric,
    ScalingPolicy,
    Workload,
    simulate,
)
from fleet.simulation.agenda import Agenda
from fleet.simulation.queue_workers import QueueWorkers
from fleet.simulation.replica_set import Pod, ReplicaSet

POLICY = ScalingPolicy(
    name="pods",
    delivery=Delivery(1, prefetch_multiplier=1, late_ack=True, grace_s=100.0),
    metric=None,
    min_replicas=0,
    max_replicas=99,
)
GPU = NodeGroup(launch_s=120.0, pods_per_node=2, image_pull_s=240.0, idle_release_s=300.0)


class Bench:
    """A ReplicaSet scaled by hand."""

    def __init__(
        self,
        nodes: NodeGroup | None = None,
        *,
        at_rest: int = 0,
        task_s: float = 1000.0,
        deletion_cost: bool = False,
        seed: int = 0,
    ) -> None:
        policy = replace(POLICY, min_replicas=at_rest, deletion_cost=deletion_cost)
        self.agenda = Agenda()
        self.workers = QueueWorkers(self.agenda, policy.delivery, [task_s] * 99)
        self.pods = ReplicaSet(
            self.agenda,
            self.workers,
            policy,
            Infrastructure(10.0, nodes),
            np.random.default_rng(seed),
        )

    def scale(self, at_s: float, replicas: int) -> None:
        self.agenda.at(at_s, self.pods.scale, replicas)

    def ready_at(self, *times_s: float) -> list[int]:
        seen: list[int] = []
        for at_s in times_s:
            self.agenda.at(at_s, lambda: seen.append(self.pods.ready))
        self.run(times_s[-1])
        return seen

    def kept(self) -> list[Pod]:
        return self.pods._replicas

    def run(self, until_s: float) -> None:
        self.agenda.at(until_s, self.agenda.stop)
        self.agenda.run((), self.workers.publish)


def test_on_a_shared_cluster_a_pod_takes_its_own_start_only() -> None:
    bench = Bench()
    bench.scale(100.0, 3)

    assert bench.ready_at(109.9, 110.1) == [0, 3]
    assert bench.pods.node_s() == 0.0


def test_a_cold_node_is_launched_and_pulls_the_image_once_for_its_pods() -> None:
    bench = Bench(GPU)
    bench.scale(0.0, 2)

    assert bench.ready_at(369.9, 370.1) == [0, 2]
    assert bench.pods.node_s() == pytest.approx(370.1)


def test_a_later_pod_on_the_same_node_finds_the_image() -> None:
    bench = Bench(GPU)
    bench.scale(0.0, 1)
    bench.scale(500.0, 2)

    assert bench.ready_at(509.9, 510.1) == [1, 2]


def test_pods_that_fill_a_node_ask_for_one_more_node_each_time() -> None:
    bench = Bench(GPU)
    bench.scale(0.0, 5)
    bench.run(130.0)

    assert bench.pods.node_s() == pytest.approx(3 * 130.0)


def test_a_warm_node_spares_launch_and_pull_and_is_never_released() -> None:
    bench = Bench(replace(GPU, warm_nodes=1))
    bench.scale(0.0, 1)
    bench.scale(50.0, 0)

    assert bench.ready_at(9.9, 10.1, 5000.0) == [0, 1, 0]
    assert bench.pods.node_s() == pytest.approx(5000.0)


def test_an_empty_node_is_released_and_the_next_pod_pays_again() -> None:
    bench = Bench(GPU)
    bench.scale(0.0, 1)
    bench.scale(500.0, 0)
    bench.scale(1000.0, 1)

    assert bench.ready_at(1369.0, 1371.0) == [0, 1]
    assert bench.pods.node_s() == pytest.approx(800.0 + 371.0)


def test_a_node_in_use_again_is_not_released() -> None:
    bench = Bench(GPU)
    bench.scale(0.0, 1)
    bench.scale(500.0, 0)
    bench.scale(700.0, 1)

    assert bench.ready_at(705.0, 711.0, 900.0) == [0, 1, 1]
    assert bench.pods.node_s() == pytest.approx(900.0)


def test_a_pod_that_shuts_down_keeps_its_place_on_the_node() -> None:
    bench = Bench(replace(GPU, pods_per_node=1, image_pull_s=0.0), at_rest=1, task_s=60.0)
    bench.workers.publish(0)
    bench.scale(5.0, 0)
    bench.scale(6.0, 1)

    assert bench.ready_at(69.0, 71.0) == [0, 1]


@pytest.mark.parametrize("seed", range(6))
def test_a_pod_without_node_goes_before_one_that_pulls(seed: int) -> None:
    bench = Bench(replace(GPU, pods_per_node=1), at_rest=1, seed=seed)
    bench.scale(0.0, 2)
    bench.scale(125.0, 3)
    bench.scale(126.0, 2)

    assert bench.ready_at(369.0, 371.0, 1000.0) == [1, 2, 2]
    assert bench.pods.starts == 1


@pytest.mark.parametrize("seed", range(6))
def test_a_pod_that_pulls_goes_before_one_that_starts_and_that_before_a_ready_one(
    seed: int,
) -> None:
    bench = Bench(replace(GPU, pods_per_node=1), seed=seed)
    bench.scale(0.0, 1)
    bench.scale(100.0, 2)
    bench.scale(365.0, 1)
    bench.scale(380.0, 2)
    bench.scale(385.0, 1)

    assert bench.ready_at(371.0, 386.0, 800.0) == [1, 1, 1]


def test_a_pod_deleted_while_it_starts_never_serves() -> None:
    bench = Bench()
    bench.scale(0.0, 3)
    bench.scale(5.0, 0)

    assert bench.ready_at(11.0) == [0]
    assert bench.pods.pod_s() == pytest.approx(15.0)


def test_of_ready_pods_those_ready_for_a_shorter_time_go() -> None:
    bench = Bench(at_rest=8)
    bench.scale(500.0, 16)
    bench.scale(550.0, 8)
    bench.run(600.0)

    assert {pod.ready_s for pod in bench.kept()} == {0.0}


def test_ages_within_a_power_of_two_count_as_equal() -> None:
    bench = Bench()
    bench.scale(0.0, 8)
    bench.scale(20.0, 16)
    bench.scale(2000.0, 8)
    bench.run(2001.0)

    assert {pod.ready_s for pod in bench.kept()} == {10.0, 30.0}


@pytest.mark.parametrize(("deletion_cost", "all_busy"), [(True, True), (False, False)])
def test_with_a_deletion_cost_the_idle_pods_go(*, deletion_cost: bool, all_busy: bool) -> None:
    bench = Bench(at_rest=16, deletion_cost=deletion_cost)
    for task in range(8):
        bench.workers.publish(task)
    bench.scale(50.0, 8)
    bench.run(60.0)

    assert all(pod.worker.running for pod in bench.kept()) is all_busy


@pytest.mark.parametrize("seed", range(6))
def test_of_equal_pods_one_on_the_fullest_node_goes(seed: int) -> None:
    bench = Bench(replace(GPU, pods_per_node=8), at_rest=9, seed=seed)
    bench.scale(50.0, 8)
    bench.run(60.0)

    assert sorted(Counter(pod.node for pod in bench.kept()).values()) == [4, 4]


def test_the_grace_period_bounds_a_shutdown() -> None:
    bench = Bench(at_rest=1)
    bench.workers.publish(0)
    bench.scale(50.0, 0)
    bench.run(400.0)

    assert bench.workers.killed == 1
    assert bench.pods.pod_s() == pytest.approx(150.0)


def test_pod_seconds_run_from_the_place_on_a_node_to_the_last_task() -> None:
    policy = replace(
        POLICY,
        metric=QueueMetric(target=1, in_flight_weight=1.0),
        polling_interval_s=5.0,
        cooldown_s=30.0,
        delivery=replace(POLICY.delivery, grace_s=1000.0),
    )
    load = Workload(span_s=2000.0, trace=((100.0, 300.0),))

    outcome = simulate(load, policy, Infrastructure(10.0, replace(GPU, idle_release_s=60.0)))

    (_, _), (woken_s, _), (asleep_s, _) = outcome.timeline
    assert outcome.waits_s[0] == pytest.approx(woken_s - 100.0 + 120.0 + 240.0 + 10.0)
    assert outcome.pod_s == pytest.approx(asleep_s - woken_s - 120.0)
    assert outcome.node_s == pytest.approx(asleep_s - woken_s + 60.0)
    assert (outcome.pod_starts, outcome.max_replicas, outcome.end_s) == (1, 1, 2000.0)
