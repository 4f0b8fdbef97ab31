"""Erlang C against closed forms and tables, and the slots it asks for."""

import math

import pytest

from infra.sizing.erlang import (
    erlang_b,
    erlang_c,
    fewest_slots,
    mean_wait_s,
    wait_quantile_s,
    wait_tail,
)


@pytest.mark.parametrize("load", [0.1, 0.5, 0.99])
def test_with_one_slot_a_task_waits_as_often_as_the_slot_is_busy(load: float) -> None:
    assert erlang_c(1, load) == pytest.approx(load)


def test_erlang_b_and_c_follow_their_sums() -> None:
    terms = [8.0**k / math.factorial(k) for k in range(11)]
    last = terms[10] * 10 / (10 - 8)

    assert erlang_b(10, 8) == pytest.approx(terms[10] / sum(terms))
    assert erlang_c(10, 8) == pytest.approx(last / (sum(terms[:10]) + last))


def test_the_mean_wait_is_the_tail_summed_up() -> None:
    step_s = 0.01
    area = sum(wait_tail(10, 4.0, 2.0, (k + 0.5) * step_s) for k in range(5000)) * step_s

    assert mean_wait_s(10, 4.0, 2.0) == pytest.approx(area, rel=1e-3)


def test_equal_tasks_wait_half_as_long_as_exponential_ones() -> None:
    assert mean_wait_s(10, 4.0, 2.0, cv=0.0) == pytest.approx(mean_wait_s(10, 4.0, 2.0) / 2)


def test_the_quantile_inverts_the_tail() -> None:
    wait_s = wait_quantile_s(10, 4.5, 2.0, 0.95, cv=0.5)

    assert wait_s > 0
    assert wait_tail(10, 4.5, 2.0, wait_s, cv=0.5) == pytest.approx(0.05)
    assert wait_quantile_s(100, 4.5, 2.0, 0.95) == 0.0


def test_a_load_that_the_slots_cannot_carry_waits_for_ever() -> None:
    assert erlang_c(8, 8.0) == 1.0
    assert wait_tail(8, 8.0, 1.0, 60.0) == 1.0
    assert math.isinf(mean_wait_s(8, 8.0, 1.0))
    assert math.isinf(wait_quantile_s(8, 8.0, 1.0, 0.5))


@pytest.mark.parametrize(
    ("rate_per_s", "task_s", "wait_s"), [(20, 0.3, 5), (0.01, 180, 10), (3, 7, 0)]
)
def test_the_fewest_slots_keep_the_wait_and_one_less_does_not(
    rate_per_s: float, task_s: float, wait_s: float
) -> None:
    slots = fewest_slots(rate_per_s, task_s, wait_s, 0.95)

    assert wait_tail(slots, rate_per_s, task_s, wait_s) <= 0.05
    assert wait_tail(slots - 1, rate_per_s, task_s, wait_s) > 0.05


def test_no_load_needs_no_slot() -> None:
    assert fewest_slots(0.0, 10.0, 1.0, 0.95) == 0


def test_a_wait_that_nobody_can_promise_is_refused() -> None:
    with pytest.raises(ValueError, match=r"quantile 1\.0"):
        fewest_slots(1.0, 1.0, 1.0, 1.0)


def test_thousands_of_slots_stay_exact() -> None:
    """Halfin and Whitt: with n = a + b sqrt(a), the waiting probability tends to a constant."""
    normal = math.exp(-0.5) / math.sqrt(2 * math.pi)
    below = 0.5 * (1 + math.erf(1 / math.sqrt(2)))
    limit = 1 / (1 + below / normal)

    assert erlang_c(10_100, 10_000.0) == pytest.approx(limit, rel=0.01)
    assert fewest_slots(10_000.0, 1.0, 0.0, 0.95) < 10_250
