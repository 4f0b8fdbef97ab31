"""Who may do what on AWS: trust, permissions and resource policies, one workload at a time."""

import json
from collections.abc import Mapping, Sequence

Statement = dict[str, object]

_VERSION = "2012-10-17"
POD_IDENTITY = "pods.eks.amazonaws.com"


def partition(region: str) -> str:
    """First part of every ARN of a region, after `arn:`."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def account_of(arn: str) -> str:
    return arn.split(":")[4]


def managed_policy(name: str, region: str) -> str:
    """ARN of a policy that AWS writes; `name` with its path, if it has one."""
    return f"arn:{partition(region)}:iam::aws:policy/{name}"


def trust(service: str, source: Mapping[str, str] | None = None) -> str:
    """Who may take a role: one AWS service, for this account's resources only where `source`."""
    actions = ["sts:AssumeRole"]
    # The agent tells which pod asks by session tags.
    if service == POD_IDENTITY:
        actions.append("sts:TagSession")
    statement: Statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": actions,
    }
    return document([statement | ({"Condition": {"StringEquals": source}} if source else {})])


def cluster_autoscaler(cluster_arn: str) -> str:
    """Read every group, change the size of this cluster's own."""
    _, name_of_partition, _, region, account, resource = cluster_arn.split(":", 5)
    cluster = resource.removeprefix("cluster/")
    own = f"arn:{name_of_partition}:%s:{region}:{account}:%s"
    reads = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations",
        "autoscaling:DescribeScalingActivities",
        "autoscaling:DescribeTags",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetInstanceTypesFromInstanceRequirements",
    ]
    writes = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    owned = {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}
    return document(
        [
            _allow(reads, ["*"]),
            _allow(["eks:DescribeNodegroup"], [own % ("eks", f"nodegroup/{cluster}/*/*")]),
            _allow(writes, [own % ("autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*")])
            | {"Condition": {"StringEquals": owned}},
        ]
    )


def publish(topic_arn: str, key_arn: str) -> str:
    """Send to one topic, which this key encrypts (SNS developer guide, key management)."""
    use = ["kms:Decrypt", "kms:GenerateDataKey"]
    return document([_allow(["sns:Publish"], [topic_arn]), _allow(use, [key_arn])])


def flow_logs(log_group_arn: str) -> str:
    """Write to one log group."""
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    return document([_allow(actions, [f"{log_group_arn}:*"])])


def data_key(account: str, region: str) -> str:
    """Policy of the key of data at rest: the account's IAM decides, and the logs may use it.

    ElastiCache, EFS and ECR get grants from whoever makes their resources.
    """
    root = f"arn:{partition(region)}:iam::{account}:root"
    logs = f"arn:{partition(region)}:logs:{region}:{account}:log-group:*"
    use = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:DescribeKey"]
    return document(
        [
            {
                "Effect": "Allow",
                "Principal": {"AWS": root},
                "Action": "kms:*",
                "Resource": "*",
            },
            _service(f"logs.{region}.amazonaws.com", use)
            | {"Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}}},
            _service("cloudwatch.amazonaws.com", use)
            | {"Condition": {"StringEquals": {"aws:SourceAccount": account}}},
            _service("budgets.amazonaws.com", use)
            | {"Condition": {"StringEquals": {"aws:SourceAccount": account}}},
        ]
    )


def alarm_topic(topic_arn: str) -> str:
    """CloudWatch's alarms and AWS Budgets may publish, for this account only."""
    account = account_of(topic_arn)
    return document(
        [
            _service(f"{service}.amazonaws.com", ["sns:Publish"])
            | {
                "Resource": topic_arn,
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
            for service in ("cloudwatch", "budgets")
        ]
    )


def document(statements: Sequence[Mapping[str, object]]) -> str:
    return json.dumps({"Version": _VERSION, "Statement": list(statements)}, sort_keys=True)


def _allow(actions: Sequence[str], resources: Sequence[str]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _service(service: str, actions: Sequence[str]) -> Statement:
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": list(actions),
        # In a key's policy: this key.
        "Resource": "*",
    }
