"""The HPA's rules, each case worked out from Kubernetes' source."""

from typing import Literal

import pytest

from fleet.simulation import Behavior, Rate, Rules
from fleet.simulation.hpa import (
    Hpa,
    average_value_replicas,
    utilization_replicas,
    value_replicas,
)

AT_ONCE = Rules(0.0, (Rate("Percent", 1000, 15.0),))


def replicas_over_time(hpa: Hpa, replicas: int, proposals: dict[int, int]) -> dict[int, int]:
    seen = {}
    for at_s, proposal in proposals.items():
        replicas = hpa.decide(float(at_s), replicas, proposal)
        seen[at_s] = replicas
    return seen


@pytest.mark.parametrize(
    ("value", "replicas", "proposal"),
    [
        (44, 10, 10),  # 1.1 of the target: still within the tolerance
        (45, 10, 12),
        (36, 10, 10),  # 0.9
        (35, 10, 9),
        (5, 1, 2),
        (0, 3, 0),
        (8.0004, 1, 2),  # KEDA reports thousandths
        (8.001, 1, 3),
    ],
)
def test_average_value_asks_for_the_quotient_outside_a_dead_band(
    value: float, replicas: int, proposal: int
) -> None:
    assert average_value_replicas(value, 4.0, replicas, 0.1) == proposal


def test_value_multiplies_by_the_ready_pods_only() -> None:
    assert value_replicas(140.0, 70.0, replicas=6, ready=3, tolerance=0.1) == 6
    assert value_replicas(140.0, 70.0, replicas=6, ready=6, tolerance=0.1) == 12
    assert value_replicas(77.0, 70.0, replicas=6, ready=3, tolerance=0.1) == 6


@pytest.mark.parametrize(
    ("ratio", "replicas", "ready", "proposal"),
    [
        (1.5, 4, 4, 6),
        (1.05, 4, 4, 4),
        (0.5, 4, 4, 2),
        (1.25, 4, 2, 4),  # the two that start would turn the way around
        (2.0, 3, 2, 4),  # 2 x 2/3, times three pods
        (0.5, 4, 2, 1),  # downwards only the ready count
        (1.25, 2, 0, 2),
    ],
)
def test_cpu_counts_starting_pods_as_idle_on_the_way_up(
    ratio: float, replicas: int, ready: int, proposal: int
) -> None:
    assert utilization_replicas(ratio, replicas, ready, 0.1) == proposal


def test_without_a_behavior_it_doubles_at_each_sync_from_four() -> None:
    seen = replicas_over_time(Hpa(1, 20, None), 1, dict.fromkeys(range(0, 75, 15), 20))

    assert list(seen.values()) == [4, 8, 16, 20, 20]


def test_an_empty_behavior_adds_four_pods_or_doubles_in_15_s() -> None:
    seen = replicas_over_time(Hpa(1, 40, Behavior()), 1, dict.fromkeys(range(0, 60, 15), 40))

    assert list(seen.values()) == [5, 10, 20, 40]


def test_a_rate_counts_what_was_added_within_its_period() -> None:
    seen = replicas_over_time(Hpa(1, 40, Behavior()), 1, dict.fromkeys(range(0, 40, 10), 40))

    assert seen == {0: 5, 10: 5, 20: 10, 30: 10}


def test_growth_allowed_is_counted_from_before_what_was_removed() -> None:
    up = Rules(0.0, (Rate("Pods", 2, 60.0),))
    down = Rules(0.0, (Rate("Percent", 100, 15.0),))
    hpa = Hpa(1, 40, Behavior(up=up, down=down))

    assert replicas_over_time(hpa, 10, {0: 4, 15: 40}) == {0: 4, 15: 12}


def test_the_up_window_takes_the_least_proposal_in_it() -> None:
    hpa = Hpa(1, 20, Behavior(up=Rules(300.0, AT_ONCE.rates)))
    proposals = {0: 1} | dict.fromkeys(range(15, 330, 15), 10)

    seen = replicas_over_time(hpa, 1, proposals)

    assert {at_s for at_s, replicas in seen.items() if replicas == 1} == set(range(0, 300, 15))
    assert seen[300] == 10


@pytest.mark.parametrize(("behavior", "last_s"), [(None, 300), (Behavior(), 285)])
def test_the_down_window_takes_the_most_proposed_in_five_minutes(
    behavior: Behavior | None, last_s: int
) -> None:
    hpa = Hpa(1, 20, behavior)
    proposals = {0: 10} | dict.fromkeys(range(15, 345, 15), 2)

    seen = replicas_over_time(hpa, 10, proposals)

    assert seen[last_s] == 10
    assert seen[last_s + 15] == 2


def test_a_slow_rate_takes_one_pod_in_its_period() -> None:
    down = Rules(0.0, (Rate("Pods", 1, 300.0),))
    hpa = Hpa(1, 20, Behavior(down=down))

    seen = replicas_over_time(hpa, 10, dict.fromkeys(range(0, 615, 15), 1))

    assert [at_s for at_s in seen if at_s and seen[at_s] < seen[at_s - 15]] == [300, 600]
    assert (seen[0], seen[600]) == (9, 7)


def test_percent_down_rounds_the_rest_down() -> None:
    down = Rules(0.0, (Rate("Percent", 50, 15.0),))

    assert Hpa(1, 20, Behavior(down=down)).decide(0.0, 7, 1) == 3


@pytest.mark.parametrize(
    ("select", "up_to", "down_to"), [("Max", 14, 5), ("Min", 11, 8), ("Disabled", 10, 10)]
)
def test_of_several_rates_the_selected_change_holds(
    select: Literal["Max", "Min", "Disabled"], up_to: int, down_to: int
) -> None:
    up = Rules(0.0, (Rate("Pods", 4, 15.0), Rate("Percent", 10, 15.0)), select)
    down = Rules(0.0, (Rate("Pods", 2, 15.0), Rate("Percent", 50, 15.0)), select)

    assert Hpa(1, 40, Behavior(up=up)).decide(0.0, 10, 40) == up_to
    assert Hpa(1, 40, Behavior(down=down)).decide(0.0, 10, 1) == down_to


def test_bounds_are_restored_at_once_and_zero_is_left_alone() -> None:
    hpa = Hpa(3, 8, Behavior(up=Rules(600.0, AT_ONCE.rates)))

    assert hpa.decide(0.0, 0, 5) == 0
    assert hpa.decide(15.0, 1, 1) == 3
    assert hpa.decide(30.0, 12, 12) == 8
