"""The fleet's own stacks keep every rule."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from celery_policy import verdict
from celery_policy.resource import Resource, Stack
from celery_policy.rule import StackRule
from celery_policy.rules import RULES
from tests.unit import aws_stage
from tests.unit.recorder import imagineer, render

GIVEN = json.loads((aws_stage.ROOT / "policies.json").read_text())


def resources(stack: str, rendered: Iterable[Any]) -> Iterable[Resource]:
    for each in rendered:
        urn = f"urn:pulumi:{stack}::celery-fleet::{each.typ}::{each.name}"
        protect = getattr(each, "protect", False)
        yield Resource(each.typ, each.name, aws_stage.opened(each.inputs), urn, protect)


def broken_rules(stack: Stack) -> set[str]:
    found = set()
    for rule in RULES:
        if isinstance(rule, StackRule):
            findings = list(verdict.of_stack(rule, stack, GIVEN.get(rule.name, {})))
        else:
            given = GIVEN.get(rule.name, {})
            each = (verdict.of_resource(rule, one, given) for one in stack.resources)
            findings = [finding for of_one in each for finding in of_one]
        found |= {rule.name} if findings else set()
    return found


def local(**changes: Any) -> Stack:
    return Stack(tuple(resources("local", render(imagineer(**changes)).resources)))


@pytest.mark.parametrize("stack", ["prod", "staging"])
def test_a_stack_on_aws_breaks_no_rule(stack: str) -> None:
    rendered = Stack(tuple(resources(stack, aws_stage.stack(stack).resources)))

    assert broken_rules(rendered) == set()


def test_the_local_stack_breaks_no_rule() -> None:
    assert broken_rules(local()) == set()


def test_a_key_prefix_is_read_from_the_workers_own_settings() -> None:
    broker = {
        "kind": "existing",
        "connectionSecret": {"namespace": "rehearsal", "name": "broker"},
        "keyPrefix": "blue:",
    }

    assert broken_rules(local(broker=broker)) == set()


def test_without_leases_the_visibility_timeout_is_that_of_the_settings() -> None:
    settings = local().resources
    short = [stock(each, visible_s=1800) for each in settings]

    assert "limits-within-visibility-timeout" in broken_rules(Stack(tuple(short)))


def stock(resource: Resource, visible_s: int) -> Resource:
    """Settings as of a broker without leases."""
    held: Any = resource.properties
    if resource.name != "settings":
        return resource
    told = held["data"]["settings.json"].replace('"lease"', '"stock"')
    told = told.replace(
        '"visibilityTimeoutSeconds": 180', f'"visibilityTimeoutSeconds": {visible_s}'
    )
    return Resource(
        resource.type, resource.name, {**held, "data": {"settings.json": told}}, resource.urn
    )
