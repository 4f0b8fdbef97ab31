"""The rule about what a stack costs a month, by a table of prices."""

import re
from collections import Counter
from collections.abc import Iterator

from celery_policy.resource import Resource, Stack
from celery_policy.rule import Finding, Setting, Settings, StackRule
from celery_policy.rules.aws import CLUSTER, NODE_GROUP
from celery_policy.rules.broker import REPLICATION_GROUP
from celery_policy.tree import NotKnownError

_HOURS_A_MONTH = 730
_EACH = {
    CLUSTER: "eksControlPlane",
    "aws:ec2/natGateway:NatGateway": "natGateway",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpcEndpoint",
}
_COUNTED = frozenset({*_EACH, NODE_GROUP, REPLICATION_GROUP})


def _ceiling(stack: Stack, settings: Settings) -> Iterator[Finding]:
    ceilings = settings["ceilingsUsd"]
    of_tier = (usd for pattern, usd in ceilings.items() if re.search(pattern, stack.name))
    most_usd = next(of_tier, None)
    if most_usd is None:
        return
    items: Counter[str] = Counter()
    for resource in stack.of(_COUNTED):
        try:
            name, number = _item(resource, at_maximum=settings["atMaximum"])
            items[name] += number
        except NotKnownError as error:
            yield Finding(str(error), resource, is_known=False)
    prices = settings["pricesUsdPerHour"]
    if unpriced := sorted(name for name in items if items[name] and name not in prices):
        yield Finding(f"it cannot be added up: there is no price of {', '.join(unpriced)}")
    hourly = sum(prices.get(name, 0) * number for name, number in items.items())
    if (monthly := hourly * _HOURS_A_MONTH) > most_usd:
        yield Finding(f"it costs {monthly:,.0f} $ a month, above its ceiling of {most_usd:,.0f} $")


def _item(resource: Resource, *, at_maximum: bool) -> tuple[str, int]:
    """What a resource is billed as, and how many of it."""
    root = resource.root
    if resource.type == NODE_GROUP:
        sizes = root["scalingConfig"]
        nodes = sizes["maxSize" if at_maximum else "minSize"].number or 0
        return next(iter(root["instanceTypes"].strings()), "t3.medium"), int(nodes)
    if resource.type == REPLICATION_GROUP:
        return root["nodeType"].text, int(root["numCacheClusters"].number or 1)
    return _EACH[resource.type], 1


RULES = (
    StackRule(
        "monthly-cost-ceiling",
        "A stack costs no more a month than its tier may.",
        "medium",
        "Take fewer or smaller nodes, or raise the tier's ceiling in the pack's configuration. "
        "Nodes, broker, control plane, NAT gateways and endpoints are counted; traffic is not.",
        settings={
            "ceilingsUsd": Setting(
                default={},
                schema={
                    "type": "object",
                    "additionalProperties": {"type": "number"},
                    "description": "US dollars by pattern of stack names; the first match counts.",
                },
            ),
            "pricesUsdPerHour": Setting(
                default={},
                schema={
                    "type": "object",
                    "additionalProperties": {"type": "number"},
                    "description": "By instance or node type; as a stack file's `prices`.",
                },
            ),
            "atMaximum": Setting(
                default=False,
                schema={
                    "type": "boolean",
                    "description": "Count node groups at maxSize, not at rest.",
                },
            ),
        },
        check=_ceiling,
    ),
)
