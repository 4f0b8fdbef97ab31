"""Least privilege: what may write names what it writes to."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.manifests.aws import policies
from tests.unit.aws_stage import ACCOUNT, stack

READS = ("Describe", "Get", "List")


def statements(document: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(document)["Statement"]
    return found


def written() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in stack("prod").of("RolePolicy").items():
        for statement in statements(resource.inputs["policy"]):
            yield name, statement


def test_no_write_is_allowed_on_everything() -> None:
    assert {name for name, _ in written()} == {
        "cluster-alertmanager",
        "cluster-autoscaler",
        "flow-logs",
    }
    for name, statement in written():
        writes = [a for a in statement["Action"] if not a.split(":")[1].startswith(READS)]

        assert not any("*" in action for action in statement["Action"]), name
        if writes:
            assert "*" not in statement["Resource"], (name, writes)


def test_the_autoscaler_moves_groups_of_its_own_cluster_only() -> None:
    arn = f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/prod"

    move = statements(policies.cluster_autoscaler(arn))[-1]

    assert move["Action"] == [
        "autoscaling:SetDesiredCapacity",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
    ]
    assert move["Resource"] == [
        f"arn:aws:autoscaling:eu-central-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/eks-*"
    ]
    assert move["Condition"] == {
        "StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/prod": "owned"}
    }


def test_each_workload_has_a_role_of_its_own_with_one_purpose() -> None:
    found = stack("prod")

    attached: dict[str, set[str]] = {}
    for resource in found.of("RolePolicyAttachment").values():
        name = resource.inputs["policyArn"].split(":policy/")[1]
        attached.setdefault(resource.inputs["role"], set()).add(name)
    assert attached == {
        "cluster": {"AmazonEKSClusterPolicy"},
        "node": {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"},
        "vpc-cni": {"AmazonEKS_CNI_Policy"},
        "aws-ebs-csi-driver": {"service-role/AmazonEBSCSIDriverPolicy"},
        "aws-efs-csi-driver": {"service-role/AmazonEFSCSIDriverPolicy"},
    }
    own = {"cluster-alertmanager", "cluster-autoscaler", "flow-logs"}
    assert set(found.of("Role")) == {*attached, *own}


def test_pods_take_their_roles_by_pod_identity_and_nothing_else_does() -> None:
    trusted = {
        name: statements(role.inputs["assumeRolePolicy"])[0]["Principal"]["Service"]
        for name, role in stack("prod").of("Role").items()
    }

    accounts = {
        "cluster-alertmanager": ("monitoring", "alertmanager"),
        "cluster-autoscaler": ("kube-system", "cluster-autoscaler"),
    }
    assert trusted == {
        "cluster": "eks.amazonaws.com",
        "node": "ec2.amazonaws.com",
        "flow-logs": "vpc-flow-logs.amazonaws.com",
        **dict.fromkeys(
            ("vpc-cni", "aws-ebs-csi-driver", "aws-efs-csi-driver", *accounts),
            "pods.eks.amazonaws.com",
        ),
    }
    assert accounts == {
        name: (each.inputs["namespace"], each.inputs["serviceAccount"])
        for name, each in stack("prod").of("PodIdentityAssociation").items()
    }


def test_services_use_the_key_for_this_account_only() -> None:
    used = statements(policies.data_key(ACCOUNT, "us-east-1"))

    assert used[0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    for statement in used[1:]:
        assert statement["Condition"]
        assert "kms:*" not in statement["Action"]


def test_alarms_are_published_by_this_accounts_services_only() -> None:
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"

    for statement in statements(policies.alarm_topic(topic)):
        assert statement["Resource"] == topic
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_arns_are_of_the_regions_partition(region: str, partition: str) -> None:
    assert policies.managed_policy("P", region) == f"arn:{partition}:iam::aws:policy/P"


def test_shared_files_are_encrypted_and_mounted_by_nodes_only() -> None:
    found = stack("prod")

    assert found.one("FileSystem").inputs["encrypted"] is True
    assert len(found.of("MountTarget")) == 3
    rules = found.of("SecurityGroup")["data"].inputs["ingress"]
    assert [(r["fromPort"], r["securityGroups"]) for r in rules] == [(2049, ["nodes-id"])]
    storage = found.one("StorageClass").inputs
    claim = found.one("PersistentVolumeClaim").inputs["spec"]
    assert storage["metadata"]["name"] == claim["storageClassName"]
    assert claim["accessModes"] == ["ReadWriteMany"]
    assert storage["parameters"]["fileSystemId"] == "data-id"
    # The image's user, else its writes would be refused.
    assert storage["parameters"]["uid"] == "10001"
