"""The page that every rule links to says what the rule says."""

import re

import pytest

from celery_policy.rule import ResourceRule, StackRule
from celery_policy.rules import RULES
from tests.unit.recorder import ROOT

PAGE = (ROOT / "docs/policies.md").read_text()
SECTIONS = {
    heading: " ".join(text.split())
    for heading, text in re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


def test_the_page_has_every_rule_and_no_other() -> None:
    assert list(SECTIONS) == [rule.name for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_section_tells_rule_level_remedy_and_settings(rule: ResourceRule | StackRule) -> None:
    section = SECTIONS[rule.name]

    assert f"{rule.description} {rule.level.capitalize()}, severity {rule.severity}," in section
    assert rule.remedy in section
    for key, setting in rule.settings.items():
        assert f"`{key}`, default" in section
        assert str(setting.schema["description"]) in section
