"""Slots for a burst: what the simulator says of them, and what is asked of any such number."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.simulation import Burst, Delivery, Infrastructure, Workload, peers, simulate
from infra.sizing.burst import late_share, slots_in_burst
from infra.sizing.load import Load

SEEDS = 8
loads = st.builds(
    Load,
    per_s=st.floats(0, 10),
    mean_s=st.floats(0.05, 500),
    spread=st.floats(0, 2),
    burst=st.integers(1, 2000),
    burst_s=st.floats(1, 60),
    wait_s=st.floats(0.5, 500),
    quantile=st.just(0.95),
)


def load(task_s: float, burst: tuple[int, float], wait_s: float, per_s: float = 0.0) -> Load:
    return Load(per_s, task_s, 1.0, *burst, wait_s, 0.95)


def simulated_late(one: Load, slots: int) -> float:
    """Share of a burst's tasks that fixed slots make wait too long, over the seeds."""
    delivery = Delivery(slots, disable_prefetch=True, late_ack=True)
    policy = replace(peers.static(1, slots), delivery=delivery)
    burst = Burst(0.0, one.burst, one.burst_s)
    workload = Workload(one.burst_s, one.per_s, (burst,), one.mean_s, one.spread)
    waits = [simulate(workload, policy, Infrastructure(1.0), seed).waits_s for seed in range(SEEDS)]
    return float(np.mean(np.concatenate(waits) > one.wait_s))


@pytest.mark.parametrize(
    "one",
    [
        load(0.3, (3000, 30), 5, per_s=20),
        load(0.2, (200, 10), 1, per_s=5),
        load(1.0, (367, 24), 1.2),
        load(0.9, (512, 18), 1.0),
        load(3.0, (500, 5), 40),
        load(180.0, (12, 60), 10),
        load(28.0, (348, 39), 1.3),
        load(557.0, (40, 40), 2.0, per_s=0.005),
    ],
)
def test_the_slots_for_a_burst_keep_its_promise_in_simulation_and_few_less_do_not(
    one: Load,
) -> None:
    enough = slots_in_burst(one, 1, one.wait_s)

    assert simulated_late(one, enough) <= 0.05
    assert simulated_late(one, max(1, round(0.8 * enough))) > 0.05


def test_slots_are_rather_too_many_where_a_task_lasts_as_long_as_burst_and_wait() -> None:
    one = load(20.0, (100, 10), 15)

    assert simulated_late(one, slots_in_burst(one, 1, one.wait_s)) <= 0.05


@given(loads, st.integers(1, 500))
def test_another_slot_makes_no_more_tasks_late(one: Load, slots: int) -> None:
    fewer, more = (late_share(one, n, one.wait_s) for n in (slots, slots + 1))

    assert 0 <= more <= fewer + 1e-9
    assert fewer <= 1


@given(loads, st.integers(1, 50))
def test_no_more_slots_are_asked_for_than_the_burst_has_tasks(one: Load, least: int) -> None:
    assert least <= slots_in_burst(one, least, one.wait_s) <= least + one.burst


def test_without_time_to_wait_tasks_that_outlast_the_burst_need_a_slot_each() -> None:
    long, short = (slots_in_burst(load(task_s, (40, 10), 5), 2, 0.0) for task_s in (1e6, 1.0))

    # 5 % of 40 may be late.
    assert long == pytest.approx(40, abs=2)
    assert short < 12
