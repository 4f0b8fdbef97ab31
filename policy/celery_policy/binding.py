"""Binds rules to Pulumi: its levels and schemas, its way to say what is not known yet."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_OBJECT_VALUE, UnknownValueError

from celery_policy import verdict
from celery_policy.resource import Resource, Stack
from celery_policy.rule import Finding, ResourceRule, Rule, StackRule
from celery_policy.tree import UNKNOWN

_PAGE = "docs/policies.md"
# Others say nothing about Celery, and a whole stack's properties take long to copy.
_READ = ("kubernetes:", "aws:", "pulumi:pulumi:StackReference")
_EXEMPT: dict[str, object] = {
    "type": "array",
    "description": "Resources that the rule leaves alone, by a glob of their name, and why.",
    "items": {
        "type": "object",
        "required": ["name", "reason"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string"},
            "reason": {"type": "string", "minLength": 1},
        },
    },
}
_PATTERN: dict[str, object] = {
    "type": "string",
    "description": "A pattern of the names of stacks it is about.",
}
_BUT_PATTERN: dict[str, object] = {
    "type": "string",
    "description": "A pattern of the names of stacks it is not.",
}


class NotCheckedError(UnknownValueError):
    """Makes Pulumi tell, as advice, what could not be looked at before the update."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(UNKNOWN_OBJECT_VALUE, [])
        told = (f"{each.resource.name}: {each.text}" for each in findings if each.resource)
        self.message = "; ".join(told)


class Inputs:
    """What the program asked for, by URN: stack rules judge that, not what the cluster made of it.

    A live Deployment always has replicas, whoever set them; and of a cluster that is still to be
    made a preview knows no outputs at all.
    """

    def __init__(self) -> None:
        self._asked: dict[str, Resource] = {}
        # Pulumi asks one rule after the other about a resource, in one thread.
        self._current = threading.local()

    def of(self, args: ResourceValidationArgs, rule: str) -> Resource:
        """The resource that is being registered, copied once for all rules that are asked."""
        first = getattr(self._current, "first", None)
        if first is None or first[0] != args.urn or first[1] == rule:
            self._current.first = (args.urn, rule)
            self._asked[args.urn] = Resource(
                args.resource_type, args.name, plain(args.props), args.urn, bool(args.opts.protect)
            )
        return self._asked[args.urn]

    def stack(self, resources: Iterable[PolicyResource]) -> Stack:
        return Stack(
            tuple(
                self._asked.get(each.urn) or _from_outputs(each)
                for each in resources
                if each.resource_type.startswith(_READ)
            )
        )


def policies(rules: Iterable[ResourceRule | StackRule]) -> list[Policy]:
    """Every rule as Pulumi's own kind of policy."""
    inputs = Inputs()
    return [
        _resource_policy(rule, inputs)
        if isinstance(rule, ResourceRule)
        else _stack_policy(rule, inputs)
        for rule in rules
    ]


def _resource_policy(rule: ResourceRule, inputs: Inputs) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type.startswith(_READ):
            resource = inputs.of(args, rule.name)
            _report(verdict.of_resource(rule, resource, args.get_config()), report)

    return ResourceValidationPolicy(validate=validate, **_told(rule))


def _stack_policy(rule: StackRule, inputs: Inputs) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = inputs.stack(args.resources)
        _report(verdict.of_stack(rule, stack, args.get_config()), report)

    return StackValidationPolicy(validate=validate, **_told(rule))


def _report(findings: Iterator[Finding], report: ReportViolation) -> None:
    found = list(findings)
    for each in found:
        if each.is_known:
            report(each.text, each.resource.urn if each.resource else None)
    if unchecked := [each for each in found if not each.is_known]:
        raise NotCheckedError(unchecked)


def _told(rule: Rule) -> dict[str, object]:
    schema: dict[str, dict[str, object]] = {
        "exempt": _EXEMPT,
        "stacks": _PATTERN,
        "butStacks": _BUT_PATTERN,
        **{key: dict(each.schema) for key, each in rule.settings.items()},
    }
    return {
        "name": rule.name,
        "description": rule.description,
        "enforcement_level": EnforcementLevel(rule.level),
        "config_schema": PolicyConfigSchema(properties=schema),
        "severity": Severity(rule.severity),
        "remediation_steps": rule.remedy,
        "url": f"{_PAGE}#{rule.name}",
        "tags": ["celery"],
    }


def _from_outputs(each: PolicyResource) -> Resource:
    return Resource(
        each.resource_type, each.name, plain(each.props), each.urn, bool(each.opts.protect)
    )


def plain(value: object) -> object:
    """Properties without Pulumi's proxies; what is not known is UNKNOWN."""
    if isinstance(value, Mapping):
        return {key: _element(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_element(value, index) for index in range(len(value))]
    return value


def _element(held: Any, key: str | int) -> object:  # noqa: ANN401 - a proxy of either kind
    try:
        return plain(held[key])
    except UnknownValueError:
        return UNKNOWN
