"""What `fleet diff` reckons of a change: waits, costs, and what is deployed now."""

import json

from fleet.difference import figures, preview
from fleet.difference.figures import Figures
from fleet.difference.words import figures_told
from fleet.difference.workers import Settings, changes
from fleet.planning.forecast import forecast
from infra.models.worker import Compute, Resources
from tests.unit import preview_of
from tests.unit.diff_stage import BASE, base


def test_a_figure_of_what_is_deployed_is_that_of_the_plan_which_led_to_it() -> None:
    """The deployed settings are read back from the cluster's objects, formula included."""
    made = preview_of.document({}, base())
    steps = preview.read(json.dumps(made), "test")
    for change in changes(steps):
        found = figures.deployed(BASE, change.name, change.new)
        own = forecast(BASE, change.name)
        assert found == Figures(own.normal.p95_s, own.burst.p95_s, own.total_usd), change.name
        assert change.new.resources == BASE.workers[change.name].resources


def test_an_older_formula_is_simulated_as_it_is_deployed() -> None:
    eager = Settings(formula="pending_0_0 + in_flight")
    lazy = Settings(formula="max(in_flight, 0.01 * (pending_0_0 + in_flight))")
    waits = [figures.deployed(BASE, "labeling", each) for each in (eager, lazy)]

    assert waits[0] is not None
    assert waits[1] is not None
    assert waits[0].burst_p95_s < waits[1].burst_p95_s
    assert figures.deployed(BASE, "labeling", Settings(formula="cpu * 2")) is None
    assert figures.deployed(BASE, "labeling", Settings(node_group="gone")) is None


def test_pods_that_asked_for_more_have_cost_more() -> None:
    asked = Compute(cpu="4", memory="8Gi")
    before = figures.deployed(BASE, "labeling", Settings(resources=Resources(requests=asked)))
    after = figures.planned(BASE, "labeling")

    assert before is not None
    assert before.usd is not None
    assert after.usd is not None
    assert before.usd > 1.5 * after.usd
    assert before.burst_p95_s == after.burst_p95_s


def test_money_is_told_from_a_dollar_on_and_a_wait_only_where_it_changes() -> None:
    before = Figures(1.0, 40.0, 10.0)

    told = list(figures_told(before, Figures(1.01, 22.0, 41.2)))
    assert told == ["wait p95 in a burst 40 s -> 22 s", "+$31 a month"]
    assert list(figures_told(before, Figures(float("inf"), 40.0, 3.0))) == [
        "wait p95 steady 1.0 s -> never",
        "-$7 a month",
    ]
    assert list(figures_told(before, Figures(1.0, 40.0, None))) == []
