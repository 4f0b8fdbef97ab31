"""Applies a rule: whom it is about, who is exempt, and what it finds."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from celery_policy.resource import Resource, Stack
from celery_policy.rule import Finding, ResourceRule, Settings, StackRule, judged


def of_resource(rule: ResourceRule, resource: Resource, given: Settings) -> Iterator[Finding]:
    """What a rule finds about one resource."""
    settings = rule.configured(given)
    if resource.type not in rule.types or not rule.is_about(resource.stack, settings):
        return
    if not is_exempt(resource, settings):
        yield from judged(resource, rule.check(resource, settings))


def of_stack(rule: StackRule, stack: Stack, given: Settings) -> Iterator[Finding]:
    """What a rule finds about a stack, but for resources that are exempt."""
    settings = rule.configured(given)
    if not rule.is_about(stack.name, settings):
        return
    for finding in rule.check(stack, settings):
        if finding.resource is None or not is_exempt(finding.resource, settings):
            yield finding


def is_exempt(resource: Resource, settings: Settings) -> bool:
    """Whether an exemption, which has to give its reason, names the resource by a glob."""
    return any(fnmatchcase(resource.name, each["name"]) for each in settings.get("exempt", ()))
