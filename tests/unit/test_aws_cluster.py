"""Control plane and nodes: private, encrypted, and moved by the autoscaler alone."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from infra.manifests.aws.node_group import ami_type, architecture, autoscaler_tags, disk_gib
from infra.models.cluster import NodeGroupSpec
from infra.models.eks import EksCluster
from tests.unit.aws_stage import changed, opened, rendered, stack, told


def group(**keys: Any) -> NodeGroupSpec:
    return NodeGroupSpec.model_validate({"cpu": 4, "memoryMiB": 8192, **keys})


def test_secrets_are_encrypted_by_a_key_of_the_stack() -> None:
    cluster = stack("prod").one("Cluster").inputs

    assert cluster["encryptionConfig"]["resources"] == ["secrets"]
    assert cluster["encryptionConfig"]["provider"]["keyArn"].endswith(":secrets")
    assert all(key.inputs["enableKeyRotation"] for key in stack("prod").of("Key").values())


def test_the_control_plane_is_reached_from_inside_and_from_stated_ranges_only() -> None:
    reached = stack("prod").one("Cluster").inputs["vpcConfig"]
    spec = stack("prod").config.cluster.model_dump(by_alias=True)
    hidden = rendered(changed("prod", cluster={**spec, "publicAccessCidrs": []}))

    assert reached["publicAccessCidrs"] == ["203.0.113.0/24"]
    assert reached["endpointPrivateAccess"] is True
    assert all(subnet.startswith("private-") for subnet in reached["subnetIds"])
    assert hidden.one("Cluster").inputs["vpcConfig"]["endpointPublicAccess"] is False


def test_access_is_by_entries_and_logs_are_kept_for_a_while() -> None:
    found = stack("prod")

    cluster, logs = found.one("Cluster").inputs, found.of("LogGroup")["control-plane"].inputs
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert {"audit", "authenticator"} <= set(cluster["enabledClusterLogTypes"])
    assert logs["name"] == "/aws/eks/imagineer-prod/cluster"
    assert logs["retentionInDays"] == 90


def test_each_stated_admin_gets_an_entry_and_the_policy() -> None:
    spec = stack("staging").config.cluster.model_dump(by_alias=True)
    arn = "arn:aws:iam::123456789012:role/oncall"
    found = rendered(changed("staging", cluster={**spec, "admins": [arn]}))

    assert found.one("AccessEntry").inputs["principalArn"] == arn
    policy = found.one("AccessPolicyAssociation").inputs
    assert policy["policyArn"].endswith("/AmazonEKSClusterAdminPolicy")
    assert policy["accessScope"] == {"type": "cluster"}


def test_network_policies_are_enforced_and_every_add_on_is_there() -> None:
    add_ons = stack("prod").of("Addon")

    assert set(add_ons) == {
        "vpc-cni",
        "kube-proxy",
        "coredns",
        "eks-pod-identity-agent",
        "aws-ebs-csi-driver",
        "aws-efs-csi-driver",
    }
    settings = json.loads(add_ons["vpc-cni"].inputs["configurationValues"])
    assert settings["enableNetworkPolicy"] == "true"


def test_what_a_node_needs_comes_before_nodes_and_what_needs_nodes_after() -> None:
    found = stack("prod")
    nodes = {r.urn for r in found.of("NodeGroup").values()}
    add_ons = found.of("Addon")

    for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
        assert all(add_ons[name].urn in found.before(node) for node in nodes)
    for name in ("coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver"):
        assert nodes <= found.before(add_ons[name].urn)


def test_a_faster_autoscaler_needs_a_provisioned_control_plane() -> None:
    with pytest.raises(ValidationError, match=r"hpaSyncPeriodSeconds is 10, but EKS changes it"):
        EksCluster.model_validate({"kind": "eks", "hpaSyncPeriodSeconds": 10})

    spec = {"kind": "eks", "hpaSyncPeriodSeconds": 10, "controlPlaneTier": "tier-xl"}
    cluster = rendered(changed("staging", cluster=spec)).one("Cluster").inputs
    assert cluster["controlPlaneScalingConfig"] == {"tier": "tier-xl"}
    assert cluster["kubeControllerManagerConfig"] == {
        "horizontalPodAutoscalerControllerConfig": {"horizontalPodAutoscalerSyncPeriod": "10s"}
    }
    assert "kubeControllerManagerConfig" not in stack("staging").one("Cluster").inputs


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        ("m7g.2xlarge", "arm64"),
        ("c7gn.large", "arm64"),
        ("im4gn.large", "arm64"),
        ("g5g.xlarge", "arm64"),
        ("a1.large", "arm64"),
        ("m7i.large", "amd64"),
        ("g5.xlarge", "amd64"),
        ("g6.xlarge", "amd64"),
        ("g4dn.xlarge", "amd64"),
        ("p5en.48xlarge", "amd64"),
    ],
)
def test_the_processor_is_read_off_the_instance_type(instance_type: str, expected: str) -> None:
    assert architecture(instance_type) == expected


def test_gpu_nodes_have_the_driver_and_room_for_large_images() -> None:
    cpu, gpu = group(instanceType="m7g.large"), group(instanceType="g6.xlarge", gpu=1)

    assert (ami_type(cpu), disk_gib(cpu)) == ("AL2023_ARM_64_STANDARD", 50)
    assert (ami_type(gpu), disk_gib(gpu)) == ("AL2023_x86_64_NVIDIA", 150)
    assert disk_gib(group(instanceType="g6.xlarge", gpu=1, diskGiB=300)) == 300


def test_no_pod_reaches_a_nodes_credentials_and_disks_are_encrypted() -> None:
    templates = stack("prod").of("LaunchTemplate")

    assert set(templates) == {"cpu", "gpu"}
    for template in templates.values():
        assert template.inputs["metadataOptions"] == {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        }
        disks = [mapping["ebs"] for mapping in template.inputs["blockDeviceMappings"]]
        assert all(d["encrypted"] == "true" and d["volumeType"] == "gp3" for d in disks)
        assert "keyName" not in template.inputs
        marked = {t["resourceType"]: t["tags"] for t in template.inputs["tagSpecifications"]}
        assert marked["instance"]["owner"] == marked["volume"]["owner"] == "imagineer"


def test_workers_find_their_group_by_label_and_taint() -> None:
    found = stack("prod").of("NodeGroup")["gpu"].inputs

    assert found["labels"] == {
        "celery-fleet.dev/node-group": "gpu",
        "nvidia.com/gpu.present": "true",
    }
    assert found["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
    ]
    assert found["capacityType"] == "ON_DEMAND"
    assert all(subnet.startswith("private-") for subnet in found["subnetIds"])


def test_a_size_that_the_autoscaler_moved_is_left_alone() -> None:
    groups = stack("prod").of("NodeGroup")

    sizes = {name: r.inputs["scalingConfig"] for name, r in groups.items()}
    assert sizes["gpu"] == {"minSize": 0, "maxSize": 2, "desiredSize": 0}
    assert sizes["cpu"] == {"minSize": 2, "maxSize": 6, "desiredSize": 2}
    assert all(r.ignored == ("scalingConfig.desiredSize",) for r in groups.values())


def test_a_group_at_zero_tells_the_autoscaler_what_its_nodes_would_be() -> None:
    found = stack("prod").of("Tag").values()

    told = {r.inputs["tag"]["key"]: r.inputs["tag"]["value"] for r in found}
    prefix = "k8s.io/cluster-autoscaler/node-template"
    assert told == {
        f"{prefix}/label/celery-fleet.dev/node-group": "gpu",
        f"{prefix}/taint/nvidia.com/gpu": "present:NoSchedule",
        f"{prefix}/resources/nvidia.com/gpu": "1",
    }
    assert {r.inputs["autoscalingGroupName"] for r in found} == {"eks-gpu"}
    assert autoscaler_tags("cpu", group(nodes=1)) == {}


def test_spot_is_asked_for_where_the_stack_says_so() -> None:
    config = changed("staging")
    groups = {n: g.model_dump(by_alias=True) for n, g in config.node_groups.items()}
    groups["burst"] = {**groups["cpu"], "spot": True, "nodes": 0, "maxNodes": 4}
    found = rendered(changed("staging", nodeGroups=groups)).of("NodeGroup")

    assert found["burst"].inputs["capacityType"] == "SPOT"


def test_the_kubeconfig_holds_a_command_and_no_credential() -> None:
    provider = next(r for r in stack("prod").resources if r.typ == "pulumi:providers:kubernetes")

    config = json.loads(opened(provider.inputs["kubeconfig"]))
    command = config["users"][0]["user"]["exec"]
    assert command["command"] == "aws"
    assert command["args"] == [
        *("eks", "get-token"),
        *("--cluster-name", "imagineer-prod", "--region", "us-east-1"),
    ]
    assert set(config["users"][0]["user"]) == {"exec"}
    assert "context" not in provider.inputs
    assert told(provider.inputs["kubeconfig"]) is None
