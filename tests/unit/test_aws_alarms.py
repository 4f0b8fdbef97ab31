"""Alarms look at what is there, and someone hears of them."""

from typing import Any

from tests.unit.aws_stage import changed, rendered, stack


def metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    return [query["metric"] for query in alarm["metricQueries"] if "metric" in query]


def test_the_broker_is_watched_for_what_stops_or_empties_it() -> None:
    alarms = stack("prod").of("MetricAlarm")

    watched = {
        name: (metrics(r.inputs)[0]["metricName"], r.inputs["threshold"])
        for name, r in alarms.items()
        if name.startswith("broker-")
    }
    assert watched == {
        "broker-engine-cpu": ("EngineCPUUtilization", 80),
        "broker-memory": ("DatabaseMemoryUsagePercentage", 70),
        "broker-evictions": ("Evictions", 0),
        "broker-connections": ("CurrConnections", 52_000),
        "broker-authentication-failures": ("AuthenticationFailures", 0),
        "broker-replication-lag": ("ReplicationLag", 10),
    }


def test_each_node_of_the_broker_is_looked_at_so_that_a_failover_moves_nothing() -> None:
    for name, nodes in (("prod", ["001", "002"]), ("staging", ["001"])):
        found = stack(name).of("MetricAlarm")["broker-memory"].inputs

        looked = [metric["dimensions"]["CacheClusterId"] for metric in metrics(found)]
        assert looked == [f"imagineer-{name}-{node}" for node in nodes]
        asked = [query for query in found["metricQueries"] if query.get("returnData")]
        assert [query["expression"].startswith("MAX(") for query in asked] == [True]


def test_one_node_has_no_replica_that_could_lag() -> None:
    assert "broker-replication-lag" not in stack("staging").of("MetricAlarm")


def test_nodes_that_do_not_come_are_told_by_group() -> None:
    alarms = stack("prod").of("MetricAlarm")

    for group in ("cpu", "gpu"):
        found = alarms[f"nodes-{group}"].inputs
        assert {m["dimensions"]["AutoScalingGroupName"] for m in metrics(found)} == {f"eks-{group}"}
        assert found["treatMissingData"] == "notBreaching"


def test_every_alarm_is_sent_and_taken_back() -> None:
    for alarm in stack("prod").of("MetricAlarm").values():
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"]
        assert alarm.inputs["alarmActions"][0].endswith(":alarms")
    assert stack("prod").one("TopicSubscription").inputs["endpoint"] == "fleet-oncall@example.com"
    assert stack("prod").of("Topic")["alarms"].inputs["kmsMasterKeyId"]


def test_the_budget_counts_what_carries_the_stacks_tag() -> None:
    budget = stack("prod").one("Budget").inputs

    assert (budget["limitAmount"], budget["limitUnit"]) == ("2000.00", "USD")
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": ["user:stack$test"]}]
    told = {(n["notificationType"], n["threshold"]) for n in budget["notifications"]}
    assert told == {("ACTUAL", 80), ("FORECASTED", 100)}


def test_thresholds_are_the_stacks_own() -> None:
    config = changed("staging", alarms={"memoryPercent": 55, "connectionsPercent": 50})
    alarms = rendered(config).of("MetricAlarm")

    assert alarms["broker-memory"].inputs["threshold"] == 55
    assert alarms["broker-connections"].inputs["threshold"] == 32_500
