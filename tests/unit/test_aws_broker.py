"""The broker loses nothing by its settings, lets in whom it must, and no one else."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from infra.manifests.aws import access_strings
from infra.models.elasticache import ElastiCacheBroker
from tests.unit.aws_stage import Rendered, changed, opened, rendered, stack, told


def broker(**keys: Any) -> ElastiCacheBroker:
    return ElastiCacheBroker.model_validate({"kind": "elasticache", **keys})


def rotated(**credentials: Any) -> Rendered:
    spec = stack("staging").config.broker.model_dump(by_alias=True)
    return rendered(changed("staging", broker={**spec, "credentials": credentials}))


def test_prod_has_a_replica_in_another_zone_that_takes_over() -> None:
    group = stack("prod").one("ReplicationGroup").inputs

    assert group["numCacheClusters"] == 2
    assert (group["automaticFailoverEnabled"], group["multiAzEnabled"]) == (True, True)
    assert group["snapshotRetentionLimit"] == 7
    assert group["finalSnapshotIdentifier"] == "imagineer-prod-final"


def test_staging_has_one_node_and_promises_no_failover() -> None:
    group = stack("staging").one("ReplicationGroup").inputs

    assert group["numCacheClusters"] == 1
    assert (group["automaticFailoverEnabled"], group["multiAzEnabled"]) == (False, False)


@pytest.mark.parametrize("name", ["prod", "staging"])
def test_nothing_is_evicted_and_everything_is_encrypted(name: str) -> None:
    found = stack(name)

    group, parameters = found.one("ReplicationGroup").inputs, found.of("ParameterGroup")
    for each in parameters.values():
        assert each.inputs["parameters"] == [{"name": "maxmemory-policy", "value": "noeviction"}]
    assert parameters[group["parameterGroupName"]].inputs["family"] == "valkey8"
    assert group["transitEncryptionEnabled"] is True
    assert group["atRestEncryptionEnabled"] is True
    assert group["kmsKeyId"].endswith(":data")
    assert "numNodeGroups" not in group
    assert "clusterMode" not in group


def test_another_major_version_leaves_the_parameters_that_are_in_use_until_its_window() -> None:
    spec = stack("staging").config.broker.model_dump(by_alias=True)
    after = rendered(changed("staging", broker={**spec, "version": "9.0"}))

    before = stack("staging").of("ParameterGroup")
    kept = {name: r.inputs for name, r in after.of("ParameterGroup").items() if name in before}
    assert kept == {name: r.inputs for name, r in before.items()}
    used = after.one("ReplicationGroup").inputs["parameterGroupName"]
    assert after.of("ParameterGroup")[used].inputs["family"] == "valkey9"


def test_only_nodes_of_the_fleet_reach_it() -> None:
    found = stack("prod")

    rules = found.of("SecurityGroup")["broker"].inputs["ingress"]
    assert [(r["fromPort"], r["toPort"], r["securityGroups"]) for r in rules] == [
        (6379, 6379, ["nodes-id"])
    ]
    for template in found.of("LaunchTemplate").values():
        assert template.inputs["vpcSecurityGroupIds"] == ["sg-cluster", "nodes-id"]
    subnets = found.of("SubnetGroup")["broker"].inputs["subnetIds"]
    assert all(subnet.startswith("private-") for subnet in subnets)


def test_two_users_of_the_same_rights_three_of_fewer_and_no_default() -> None:
    users = stack("prod").of("User")

    access = {r.inputs["userName"]: r.inputs["accessString"] for r in users.values()}
    assert set(access) == {"default", "blue", "green", "keda", "exporter", "producer"}
    assert access["blue"] == access["green"]
    assert access["default"].startswith("off ")
    members = stack("prod").one("UserGroup").inputs["userIds"]
    assert set(members) == {r.inputs["userId"] for r in users.values()}


def test_keda_may_count_and_not_write() -> None:
    words = access_strings.keda("blue:").split()

    assert words[:3] == ["on", "~blue:*", "-@all"]
    assert set(words[3:]) == {
        *("+eval", "+evalsha", "+type", "+llen", "+hlen"),
        *("+scard", "+zcard", "+ping", "+select"),
    }


def test_the_fleet_logs_in_as_the_active_user_over_tls() -> None:
    blue, green = stack("staging"), rotated(active="green")

    for found, user in ((blue, "blue"), (green, "green")):
        secret = opened(found.of("Secret")["broker"].inputs["stringData"])
        assert secret["brokerUrl"] == (
            f"rediss://{user}:drawn-broker-{user}@master.broker.test:6379/0?ssl_cert_reqs=required"
        )
        assert "/1?" in secret["resultBackend"]
        assert "ca.crt" not in secret


def test_keda_reads_a_secret_of_its_own_without_the_fleets_login() -> None:
    found = stack("prod")

    references = found.one("TriggerAuthentication").inputs["spec"]["secretTargetRef"]
    secret = opened(found.of("Secret")["broker-keda"].inputs["stringData"])
    assert {ref["name"] for ref in references} == {"broker-keda"}
    assert {ref["key"] for ref in references} == set(secret)
    assert (secret["username"], secret["tls"]) == ("keda", "enable")


def test_rotation_draws_a_password_for_the_other_user_and_keeps_the_former_one() -> None:
    before = stack("staging").of("RandomPassword")
    after = rotated(active="green", green=2).of("RandomPassword")

    assert before["broker-blue"].inputs == after["broker-blue"].inputs
    assert before["broker-green"].inputs["keepers"] != after["broker-green"].inputs["keepers"]
    assert before["broker-keda"].inputs == after["broker-keda"].inputs


def test_pods_are_told_of_a_login_only_once_it_is_valid() -> None:
    found = rotated(active="green", green=2)

    needs = found.before(found.of("Secret")["broker"].urn)
    assert found.of("User")["broker-green"].urn in needs
    assert found.one("ReplicationGroup").urn in needs


def test_a_rotation_rolls_every_pod_that_logs_in_as_the_fleet() -> None:
    def marks(found: Rendered) -> dict[str, str]:
        key = "celery-fleet.dev/broker-checksum"
        return {
            name: r.inputs["spec"]["template"]["metadata"]["annotations"][key]
            for name, r in found.of("Deployment").items()
        }

    before, after = marks(stack("staging")), marks(rotated(active="green"))
    # It has a login of its own.
    assert {name for name in before if before[name] == after[name]} == {"redis-exporter"}


def test_no_pod_waits_for_a_ca_that_nobody_publishes() -> None:
    for deployment in stack("prod").of("Deployment").values():
        pod = deployment.inputs["spec"]["template"]["spec"]
        variables = {env["name"] for env in pod["containers"][0]["env"]}
        mounts = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}

        assert "FLEET_BROKER_CA_FILE" not in variables
        assert mounts == {volume["name"] for volume in pod["volumes"]}
        assert "broker" not in mounts


def test_no_drawn_password_is_told_anywhere() -> None:
    for resource in stack("prod").resources:
        assert "drawn-" not in json.dumps(told(resource.inputs)), resource.urn


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"clusterMode": "enabled"}, "clusterMode is 'enabled'; cluster mode: kombu has no"),
        ({"numNodeGroups": 2}, "numNodeGroups is 2; shards mean cluster mode: kombu has no"),
        ({"serverless": True}, "serverless is True; a serverless cache is in cluster mode"),
        ({"durability": "sync"}, "durability is 'sync'; ElastiCache keeps a durable log in"),
        ({"maxmemoryPolicy": "allkeys-lru"}, "maxmemoryPolicy is 'allkeys-lru'; a broker's is"),
        ({"nodes": 1, "failover": True}, "failover is true with nodes 1: there is no replica"),
        ({"nodes": 7}, "less than or equal to 6"),
        ({"engine": "redis", "version": "6.2"}, "version is '6.2'; the least is 7.0: earlier"),
        ({"engine": "memcached"}, "'valkey' or 'redis'"),
        ({"nodeTyp": "cache.m7g.large"}, "Extra inputs are not permitted"),
    ],
)
def test_a_cache_that_is_no_broker_is_refused_with_the_reason(
    keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        broker(**keys)

    assert message in str(refused.value)


def test_what_is_stated_off_is_no_request_for_it() -> None:
    assert broker(clusterMode="disabled", serverless=False).nodes == 1


def test_redis_gets_its_own_family() -> None:
    assert broker(engine="redis", version="7.1").parameter_family == "redis7"
    assert broker().parameter_family == "valkey8"
