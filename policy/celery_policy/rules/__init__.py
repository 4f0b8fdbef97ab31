"""Every rule of the pack, in the order of its page."""

from celery_policy.rule import ResourceRule, StackRule
from celery_policy.rules import aws, broker, cost, pods, previews, processes, scaling, singles

RULES: tuple[ResourceRule | StackRule, ...] = (
    *processes.RULES,
    *scaling.RULES,
    *singles.RULES,
    *pods.RULES,
    *broker.RULES,
    *aws.RULES,
    *previews.RULES,
    *cost.RULES,
)
