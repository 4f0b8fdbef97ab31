"""Whole stacks on AWS: their size, what they adopt, what they tell, and what they refuse."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime import set_all_config

from infra import config as configuration
from infra.config import ConfigError, load_file
from tests.unit.aws_stage import changed, opened, rendered, stack, told
from tests.unit.recorder import ROOT

PREFIX = "celery-fleet:"
VPC = {
    "kind": "existing",
    "vpcId": "vpc-0123456789abcdef0",
    "privateSubnetIds": ["subnet-a", "subnet-b"],
}
CLUSTER = {"kind": "existing", "context": "ours", "storageClass": "efs"}
SECRET = {"kind": "existing", "connectionSecret": {"namespace": "data", "name": "broker"}}


def kinds(found: Any) -> Counter[str]:
    return Counter(resource.typ.split(":")[0] for resource in found.resources)


def test_prod_stays_below_the_size_at_which_every_run_gets_slow() -> None:
    # A component with its PrometheusRule, PodMonitor and AlertmanagerConfig, and the role that lets
    # alerts go to the topic of alarms, are seven of them; one with the ConfigMap of all dashboards
    # two; redis_exporter's Deployment, and its user with password and Secret, five; a component
    # with four NetworkPolicies five; the producers' user with password and Secret three; one with
    # the admission policy about images and its binding three.
    for name, most in (("prod", 172), ("staging", 161)):
        found = stack(name)
        total = len(found.resources) + 1  # the stack itself
        print(f"{name}: {total} resources: {dict(kinds(found))}")  # noqa: T201 - the figure

        assert total <= most


def test_the_same_stack_makes_the_same_resources_twice() -> None:
    again = rendered(load_file(ROOT / "Pulumi.prod.yaml"))

    def inputs(found: Any) -> dict[str, Any]:
        return {resource.urn: resource.inputs for resource in found.resources}

    assert inputs(again) == inputs(stack("prod"))


def test_an_own_cluster_beside_a_broker_of_others() -> None:
    found = rendered(changed("staging", broker=SECRET))

    assert found.of("ReplicationGroup") == found.of("User") == found.of("RandomPassword") == {}
    assert not any(name.startswith("broker") for name in found.of("MetricAlarm"))
    assert found.one("Cluster").inputs["name"] == "imagineer-staging"
    assert "broker_host" not in exported(found)


def test_an_own_broker_beside_a_cluster_of_others() -> None:
    broker = {"kind": "elasticache", "clientSecurityGroupIds": ["sg-theirs"]}
    image = f"registry.test/worker@sha256:{'a' * 64}"
    changes = {"cluster": CLUSTER, "network": VPC, "broker": broker, "image": image}
    adopted = {"keda": {"kind": "existing"}, "monitoring": {"kind": "existing"}}
    found = rendered(changed("staging", **changes, **adopted))

    for kind in ("Cluster", "NodeGroup", "Addon", "FileSystem", "Release", "Vpc", "Role"):
        assert found.of(kind) == {}, kind
    rules = found.of("SecurityGroup")["broker"].inputs["ingress"]
    assert [rule["securityGroups"] for rule in rules] == [["sg-theirs"]]
    provider = next(r for r in found.resources if r.typ == "pulumi:providers:kubernetes")
    assert provider.inputs["context"] == "ours"
    assert "kubeconfig" not in provider.inputs


def test_keda_can_be_installed_into_a_cluster_of_others() -> None:
    changes = {"cluster": CLUSTER, "network": None, "broker": SECRET, "image": "worker:1"}
    adopted = {"keda": {"kind": "release"}, "monitoring": {"kind": "existing"}}
    found = rendered(changed("staging", **changes, **adopted))

    assert kinds(found)["aws"] == 0
    assert set(found.of("Release")) == {"keda"}
    scaled = found.of("ScaledObject")["worker-labeling"]
    assert found.of("Release")["keda"].urn in found.before(scaled.urn)


def exported(found: Any) -> dict[str, Any]:
    outputs: dict[str, Any] = found.outputs
    return outputs


def test_outputs_tell_where_to_look_and_no_secret() -> None:
    outputs = exported(stack("prod"))

    assert opened(outputs["cluster_name"]) == "imagineer-prod"
    assert outputs["broker_host"] == "master.broker.test"
    assert told(outputs["kubeconfig"]) is None
    assert "drawn-" not in str(opened(outputs))
    assert "${outputs.namespace}" in outputs["readme"]


def test_previews_get_a_contract_with_a_version() -> None:
    base = opened(exported(stack("staging"))["base"])

    assert base["version"] == 1
    assert base["namespace"] == "imagineer-staging"
    assert base["broker"] == {
        "host": "master.broker.test",
        "port": 6379,
        "secret": "imagineer-staging/broker",
        "keyPrefix": "staging:",
        "authority": "system",
        "engine": "valkey",
        "userGroup": "imagineer-staging-users",
    }
    assert (base["storageClass"], base["nodeGroups"]) == ("fleet-shared", ["cpu", "gpu"])
    assert base["cluster"]["name"] == "imagineer-staging"


def written(tmp_path: Path, changes: dict[str, Any]) -> Path:
    """Prod's file with keys replaced; those of `section.key` inside a section."""
    document = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]
    for key, value in changes.items():
        section, _, inner = key.partition(".")
        name = section if ":" in section else PREFIX + section
        if inner:
            document[name][inner] = value
        elif value is None:
            document.pop(name)
        else:
            document[name] = value
    path = tmp_path / "Pulumi.broken.yaml"
    path.write_text(yaml.safe_dump({"config": document}))
    return path


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aws:region": None}, "aws:region is missing: the cluster, its zones"),
        ({"aws:region": "everywhere"}, "aws:region is 'everywhere'"),
        ({"region": "us-east-1"}, "region is not a known key; the provider's own is aws:region"),
        ({"cluster.kind": "gke"}, "cluster.kind is 'gke', not 'existing', 'eks'"),
        ({"cluster": {}}, "cluster.kind is missing"),
        ({"cluster.versoin": "1.35"}, "cluster.versoin is not a known key"),
        ({"cluster.hpaSyncPeriodSeconds": 5}, "cluster.hpaSyncPeriodSeconds is 5"),
        (
            {"cluster.publicAccessCidrs": ["0.0.0.0/0"]},
            "cluster.publicAccessCidrs has 0.0.0.0/0: in prod the API server is not open",
        ),
        (
            {"cluster.serviceCidr": "10.20.0.0/20"},
            "cluster.serviceCidr 10.20.0.0/20 overlaps 10.20.0.0/16",
        ),
        ({"network.cidr": "10.20.0.0/26"}, "network: cidr 10.20.0.0/26 is too small"),
        (
            {"network.cidr": "10.20.0.0/23"},
            "too small: its private subnets have 369 addresses, and the 8 nodes of all groups at",
        ),
        ({"broker.nodes": 1, "broker.failover": True}, "broker: failover is true with nodes 1"),
        ({"broker.clusterMode": True}, "broker: clusterMode is True; cluster mode: kombu"),
        ({"broker.maxmemoryPolicy": "volatile-lru"}, "broker: maxmemoryPolicy is 'volatile-lru'"),
        ({"broker.maxConnections": 10}, "broker.maxConnections is 10, below the"),
        (
            {"broker.confirmReplicas": 2},
            "broker.confirmReplicas is 2, above the 1 replicas that the broker has (broker.nodes, ",
        ),
        (
            {"image": "registry.test/worker:1"},
            "image is 'registry.test/worker:1': in prod it is given by digest",
        ),
        ({"image": "no image"}, "image is 'no image'"),
        ({"image": {"build": {}}}, "image.build.revision is missing"),
        (
            {"namespace": "an-imagineer-of-many-long-names-in-prod"},
            "'an-imagineer-of-many-long-names-in-prod-default' of 47 characters, above the 40",
        ),
        ({"namespace": "1st"}, "namespace '1st' cannot name an ElastiCache replication group"),
        ({"cluster": CLUSTER}, "network.kind is 'new', but cluster.kind is 'existing'"),
        (
            {"cluster": CLUSTER, "network": VPC},
            "broker.clientSecurityGroupIds is empty: nodes of an existing cluster",
        ),
        ({"cluster": CLUSTER, "network": None}, "network is missing: broker.kind elasticache"),
        ({"alarms.emails": ["nobody"]}, "alarms.emails.0 is 'nobody'"),
        ({"network.zones": ["a", "a"]}, "network: zones a, a name one zone twice"),
    ],
)
def test_a_stack_that_aws_would_refuse_is_refused_before_any_resource(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_file(written(tmp_path, changes))

    assert reason in str(refused.value)
    assert all(line.startswith("Pulumi.broken.yaml: ") for line in str(refused.value).splitlines())


def test_nodes_that_eks_could_not_start_are_told_by_group(tmp_path: Path) -> None:
    groups = {"cpu": {"cpu": 8, "memoryMiB": 16384, "nodes": 0, "maxNodes": 2}}
    broken = written(tmp_path, {"nodeGroups": groups, "workers": {}, "prices": {}})

    with pytest.raises(ConfigError) as refused:
        load_file(broken)

    assert "nodeGroups.cpu.instanceType is missing" in str(refused.value)
    assert "nodeGroups: none has nodes at rest without taints" in str(refused.value)


def test_a_tier_gives_what_the_file_leaves_out_and_no_more(tmp_path: Path) -> None:
    prod = load_file(written(tmp_path, {"broker.snapshotDays": 30, "network.nat": "single"}))
    broker = prod.broker.model_dump()

    assert (broker["nodes"], broker["failover"], broker["snapshot_days"]) == (2, True, 30)
    assert prod.network is not None
    assert prod.network.model_dump()["nat"] == "single"
    assert (prod.protect, prod.keda.kind, prod.monitoring.kind) == (True, "release", "release")


@pytest.mark.parametrize("name", ["prod", "staging"])
def test_the_engine_and_the_file_give_the_same_stack(name: str) -> None:
    document = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in document.items()}
    set_all_config({**texts, f"{PREFIX}apiToken": "t"}, [])

    assert configuration.load(name) == load_file(ROOT / f"Pulumi.{name}.yaml")
