"""Alarms on broker, nodes and spending, and the topic that they are sent to."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws import budgets, cloudwatch, sns

from infra import names
from infra.components.aws.placement import Base, CacheRuntime, NodesRuntime, Place
from infra.manifests.aws import alarms
from infra.manifests.aws.policies import alarm_topic
from infra.manifests.aws.tags import STACK_TAG
from infra.models.elasticache import ElastiCacheBroker

_SPENT_PERCENT, _FORECAST_PERCENT = 80, 100


class Alarms(ComponentResource):
    """An encrypted SNS topic, and the alarms of what this stack owns."""

    def __init__(
        self, place: Place, base: Base, cache: CacheRuntime | None, nodes: NodesRuntime | None
    ) -> None:
        super().__init__("celery-fleet:aws:Alarms", "alarms", None, place.opts)
        self._place = place
        self._child = ResourceOptions(parent=self)
        topic = sns.Topic("alarms", kms_master_key_id=base.data_key.id, opts=self._child)
        allowed = sns.TopicPolicy(
            "alarms", arn=topic.arn, policy=topic.arn.apply(alarm_topic), opts=self._child
        )
        for number, address in enumerate(place.config.alarms.emails, start=1):
            sns.TopicSubscription(
                f"alarms-{number}",
                topic=topic.arn,
                protocol="email",
                endpoint=address,
                opts=self._child,
            )
        self.topic_arn: Output[str] = topic.arn
        self._send = {"alarm_actions": [topic.arn], "ok_actions": [topic.arn]}
        if cache is not None and isinstance(place.config.broker, ElastiCacheBroker):
            self._broker(place.config.broker, cache)
        if nodes is not None:
            self._nodes(nodes)
        self._budget(allowed)
        self.register_outputs({"topic": topic.arn})

    def _broker(self, broker: ElastiCacheBroker, cache: CacheRuntime) -> None:
        group = names.replication_group(self._place.config.namespace)
        for alarm in alarms.broker_alarms(self._place.config.alarms, broker):
            cloudwatch.MetricAlarm(
                alarm.name,
                opts=ResourceOptions(parent=self, depends_on=[cache.resource]),
                **self._send,
                **alarms.broker_alarm(alarm, group, broker.nodes),
            )

    def _nodes(self, nodes: NodesRuntime) -> None:
        for name, group in nodes.auto_scaling_groups.items():
            described = alarms.node_group_alarm(name, group)
            cloudwatch.MetricAlarm(f"nodes-{name}", opts=self._child, **self._send, **described)

    def _budget(self, allowed: sns.TopicPolicy) -> None:
        limit = self._place.config.alarms.monthly_budget_usd
        if limit is None:
            return
        stack = self._place.tags[STACK_TAG]
        budgets.Budget(
            "month",
            name=names.budget(self._place.config.namespace),
            budget_type="COST",
            limit_amount=f"{limit:.2f}",
            limit_unit="USD",
            time_unit="MONTHLY",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:{STACK_TAG}${stack}"]}],
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "notification_type": kind,
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_sns_topic_arns": [self.topic_arn],
                }
                for kind, percent in (
                    ("ACTUAL", _SPENT_PERCENT),
                    ("FORECASTED", _FORECAST_PERCENT),
                )
            ],
            opts=ResourceOptions(parent=self, depends_on=[allowed]),
        )
