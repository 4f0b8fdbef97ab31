"""Each rule passes a stack that keeps it, refuses one that does not, and tells what is unknown."""

import pytest

from celery_policy import verdict
from celery_policy.resource import Stack
from celery_policy.rule import Finding, ResourceRule, Settings, StackRule
from celery_policy.rules import RULES
from celery_policy.tree import UNKNOWN
from tests.policy.breaks import BREAKS, Break
from tests.policy.celery_stack import as_stack, parts, put

BY_NAME = {rule.name: rule for rule in RULES}


def findings(rule: ResourceRule | StackRule, stack: Stack, settings: Settings) -> list[Finding]:
    if isinstance(rule, StackRule):
        return list(verdict.of_stack(rule, stack, settings))
    return [f for each in stack.resources for f in verdict.of_resource(rule, each, settings)]


def broken(case: Break) -> Stack:
    given = parts(case.stack)
    if case.path:
        put(given, case.path, case.value)
    return as_stack(given, case.stack, protect=case.protect)


def cases(*, with_values: bool = False) -> list[object]:
    chosen = (case for case in BREAKS if case.asked or not with_values)
    return [pytest.param(case, id=case.rule) for case in chosen]


def test_every_rule_is_broken_here() -> None:
    assert sorted(case.rule for case in BREAKS) == sorted(BY_NAME)


@pytest.mark.parametrize("case", cases())
def test_a_rule_passes_what_keeps_it(case: Break) -> None:
    stack = as_stack(parts(case.stack), case.stack)

    assert findings(BY_NAME[case.rule], stack, case.settings) == []


@pytest.mark.parametrize("case", cases())
def test_a_rule_refuses_what_breaks_it(case: Break) -> None:
    found = findings(BY_NAME[case.rule], broken(case), case.settings)

    assert any(case.says in each.text and each.is_known for each in found), found


@pytest.mark.parametrize("case", cases())
def test_no_other_rule_is_broken_along(case: Break) -> None:
    refusing = {
        name
        for name, rule in BY_NAME.items()
        if name != case.rule and any(f.is_known for f in findings(rule, broken(case), {}))
    }

    assert refusing == set()


@pytest.mark.parametrize("case", cases(with_values=True))
def test_a_value_that_is_unknown_is_told_and_never_passed_in_silence(case: Break) -> None:
    given = parts(case.stack)
    put(given, case.asked, UNKNOWN)

    found = findings(BY_NAME[case.rule], as_stack(given, case.stack), case.settings)

    assert [each.is_known for each in found] == [False] * len(found) != []
    assert all("is not known before the update" in each.text for each in found)


@pytest.mark.parametrize("case", cases(with_values=True))
def test_no_rule_breaks_down_on_an_unknown_value_of_another(case: Break) -> None:
    given = parts(case.stack)
    put(given, case.asked, UNKNOWN)
    stack = as_stack(given, case.stack)

    for rule in RULES:
        assert not [each for each in findings(rule, stack, {}) if each.is_known], rule.name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_tells_how_to_mend_and_where_to_read(rule: ResourceRule | StackRule) -> None:
    assert rule.description.endswith(".")
    assert len(rule.remedy) > 15
    assert all("description" in each.schema for each in rule.settings.values())
