"""What the fleet's own stacks may cost, by the ceilings in policies.json."""

from typing import Any

import pytest
import yaml

from celery_policy import verdict
from celery_policy.resource import Stack
from celery_policy.rules.cost import RULES
from tests.policy.test_own_stacks import GIVEN, resources
from tests.unit import aws_stage

(CEILING,) = RULES
TOLD = GIVEN[CEILING.name]


def cost_of(stack: str, **settings: Any) -> list[str]:
    rendered = Stack(tuple(resources(stack, aws_stage.stack(stack).resources)))
    return [each.text for each in verdict.of_stack(CEILING, rendered, {**TOLD, **settings})]


@pytest.mark.parametrize("stack", ["prod", "staging"])
def test_prices_are_those_of_the_stack_file(stack: str) -> None:
    document = yaml.safe_load((aws_stage.ROOT / f"Pulumi.{stack}.yaml").read_text())
    stated = document["config"]["celery-fleet:prices"]

    assert {name: TOLD["pricesUsdPerHour"].get(name, usd) for name, usd in stated.items()} == stated


def test_no_price_is_of_a_type_that_no_stack_names() -> None:
    named = set()
    for stack in ("prod", "staging"):
        document = yaml.safe_load((aws_stage.ROOT / f"Pulumi.{stack}.yaml").read_text())
        named |= set(document["config"]["celery-fleet:prices"])

    assert set(TOLD["pricesUsdPerHour"]) <= named


@pytest.mark.parametrize("stack", ["prod", "staging"])
def test_a_stack_costs_less_than_its_ceiling_and_not_less_than_half(stack: str) -> None:
    half = {pattern: usd / 2 for pattern, usd in TOLD["ceilingsUsd"].items()}

    assert not cost_of(stack)
    assert len(cost_of(stack, ceilingsUsd=half)) == 1


def test_a_preview_may_own_nothing_that_costs() -> None:
    (problem,) = [
        each.text
        for each in verdict.of_stack(
            CEILING,
            Stack(tuple(resources("preview-x", aws_stage.stack("staging").resources))),
            TOLD,
        )
    ]

    assert problem.endswith("above its ceiling of 0 $")
