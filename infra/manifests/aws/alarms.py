"""CloudWatch alarms: the broker as ElastiCache sees it, and node groups as EC2 sees them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from infra.models.addons import CloudAlarms
from infra.models.elasticache import ElastiCacheBroker

_MINUTE_S = 60
_PERSISTENT = 5
_NODE_MINUTES = 15
# Each cache cluster of a group with cluster mode disabled has one node of this number.
_NODE_ID = "0001"


class BrokerAlarm(NamedTuple):
    """An alarm on the worst of the broker's nodes."""

    name: str
    metric: str
    threshold: float
    told: str
    statistic: str = "Maximum"
    minutes: int = _PERSISTENT


def broker_alarms(alarms: CloudAlarms, broker: ElastiCacheBroker) -> Iterator[BrokerAlarm]:
    """What can be wrong with the broker that no pod sees, or that every pod suffers from."""
    most = broker.max_connections * alarms.connections_percent / 100
    yield BrokerAlarm(
        "broker-engine-cpu",
        "EngineCPUUtilization",
        alarms.engine_cpu_percent,
        "The engine's one thread is nearly busy: every fetch and ack waits. Take a faster node.",
    )
    yield BrokerAlarm(
        "broker-memory",
        "DatabaseMemoryUsagePercentage",
        alarms.memory_percent,
        "Queues or results grow. A full broker refuses publishes, as it may evict nothing.",
    )
    yield BrokerAlarm(
        "broker-evictions",
        "Evictions",
        0,
        "Keys are evicted: the parameter group is not noeviction, messages may be lost.",
        statistic="Sum",
        minutes=1,
    )
    yield BrokerAlarm(
        "broker-connections",
        "CurrConnections",
        most,
        "Near the most connections a node takes: the next workers would be refused.",
    )
    yield BrokerAlarm(
        "broker-authentication-failures",
        "AuthenticationFailures",
        0,
        "Someone logs in with a wrong password: a rotation that left pods behind, or a stranger.",
        statistic="Sum",
        minutes=1,
    )
    if broker.nodes > 1:
        yield BrokerAlarm(
            "broker-replication-lag",
            "ReplicationLag",
            alarms.replication_lag_s,
            "Replicas are behind: a failover now would lose the messages published since.",
        )


def broker_alarm(alarm: BrokerAlarm, group_id: str, nodes: int) -> dict[str, Any]:
    """Arguments of the alarm; one metric a node, so that a failover moves nothing."""
    metrics = [
        {
            "id": f"node{number}",
            "return_data": False,
            "metric": {
                "namespace": "AWS/ElastiCache",
                "metric_name": alarm.metric,
                "period": _MINUTE_S,
                "stat": alarm.statistic,
                "dimensions": {
                    "CacheClusterId": f"{group_id}-{number:03}",
                    "CacheNodeId": _NODE_ID,
                },
            },
        }
        for number in range(1, nodes + 1)
    ]
    names = ",".join(str(metric["id"]) for metric in metrics)
    return {
        "alarm_description": alarm.told,
        "comparison_operator": "GreaterThanThreshold",
        "threshold": alarm.threshold,
        "evaluation_periods": alarm.minutes,
        "treat_missing_data": "missing",
        "metric_queries": [
            *metrics,
            {
                "id": "worst",
                "expression": f"MAX([{names}])",
                "label": alarm.metric,
                "return_data": True,
            },
        ],
    }


def node_group_alarm(group: str, auto_scaling_group: object) -> dict[str, Any]:
    """Alarm on nodes that EC2 was asked for and does not give: no capacity, quota, bad template."""
    metrics = [
        {
            "id": key,
            "return_data": False,
            "metric": {
                "namespace": "AWS/AutoScaling",
                "metric_name": metric,
                "period": _MINUTE_S,
                "stat": "Average",
                "dimensions": {"AutoScalingGroupName": auto_scaling_group},
            },
        }
        for key, metric in (
            ("wanted", "GroupDesiredCapacity"),
            ("running", "GroupInServiceInstances"),
        )
    ]
    return {
        "alarm_description": (
            f"Node group {group} has fewer nodes in service than it asked for since "
            f"{_NODE_MINUTES} minutes: no capacity, a quota, or nodes that do not come up."
        ),
        "comparison_operator": "GreaterThanThreshold",
        "threshold": 0,
        "evaluation_periods": _NODE_MINUTES,
        # A group at zero publishes nothing.
        "treat_missing_data": "notBreaching",
        "metric_queries": [
            *metrics,
            {
                "id": "missing",
                "expression": "wanted - running",
                "label": "nodes that do not come",
                "return_data": True,
            },
        ],
    }
