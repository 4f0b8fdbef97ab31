"""A project on AWS's stand-in, and the program that most of its tests run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import boto3

from rehearsal.cloud.program import inject
from rehearsal.cloud.server import server
from rehearsal.toolchain import Tools
from tests.engine.project import Project, new_project

REGION = "eu-west-1"
KEYS = {"AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal"}

TEMPLATE = """
import json

import pulumi
import pulumi_aws as aws
from pulumi_random import RandomPassword

tags = {{"fleet": "trial", "stage": "{stage}"}}
trust = json.dumps(
    {{
        "Version": "2012-10-17",
        "Statement": [
            {{
                "Effect": "Allow",
                "Principal": {{"Service": "eks.amazonaws.com"}},
                "Action": "sts:AssumeRole",
            }}
        ],
    }}
)
vpc = aws.ec2.Vpc("vpc", cidr_block="{cidr}", enable_dns_hostnames=True, tags=tags)
subnets = [
    aws.ec2.Subnet(
        f"subnet-{{zone}}",
        vpc_id=vpc.id,
        cidr_block=f"10.0.{{number}}.0/24",
        availability_zone=f"eu-west-1{{zone}}",
        tags=tags,
    )
    for number, zone in enumerate("ab")
]
group = aws.ec2.SecurityGroup("broker", vpc_id=vpc.id, description="Redis", tags=tags)
aws.vpc.SecurityGroupIngressRule(
    "redis",
    security_group_id=group.id,
    ip_protocol="tcp",
    from_port=6379,
    to_port=6379,
    cidr_ipv4="10.0.0.0/16",
)
key = aws.kms.Key("data", enable_key_rotation=True, deletion_window_in_days=7, tags=tags)
role = aws.iam.Role("cluster", assume_role_policy=trust, tags=tags)
aws.iam.RolePolicyAttachment(
    "cluster", role=role.name, policy_arn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
)
cluster = aws.eks.Cluster(
    "cluster",
    name="trial",
    role_arn=role.arn,
    vpc_config={{"subnet_ids": [subnet.id for subnet in subnets]}},
    encryption_config={{"provider": {{"key_arn": key.arn}}, "resources": ["secrets"]}},
    tags=tags,
)
aws.eks.Addon("dns", cluster_name=cluster.name, addon_name="coredns", tags=tags)
nodes = aws.eks.NodeGroup(
    "gpu",
    cluster_name=cluster.name,
    node_role_arn=role.arn,
    subnet_ids=[subnet.id for subnet in subnets],
    instance_types=["g5.xlarge"],
    scaling_config={{"min_size": 0, "max_size": {nodes}, "desired_size": 0}},
    labels={{"node-group": "gpu"}},
    taints=[{{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}}],
    tags=tags,
)
password = RandomPassword("worker-password", length=32, special=False)
off = aws.elasticache.User(
    "default",
    user_id="trial-default",
    user_name="default",
    engine="valkey",
    access_string="off ~keys* -@all",
    passwords=[RandomPassword("default-password", length=32, special=False).result],
)
worker = aws.elasticache.User(
    "worker",
    user_id="trial-worker",
    user_name="worker",
    engine="valkey",
    access_string="on ~* &* +@all",
    passwords=[password.result],
)
users = aws.elasticache.UserGroup(
    "users", user_group_id="trial", engine="valkey", user_ids=[off.user_id, worker.user_id]
)
parameters = aws.elasticache.ParameterGroup(
    "parameters",
    family="valkey8",
    parameters=[{{"name": "maxmemory-policy", "value": "{policy}"}}],
)
broker = aws.elasticache.ReplicationGroup(
    "broker",
    replication_group_id="trial",
    description="broker",
    engine="valkey",
    node_type="cache.m7g.large",
    num_cache_clusters=2,
    automatic_failover_enabled=True,
    parameter_group_name=parameters.name,
    subnet_group_name=aws.elasticache.SubnetGroup(
        "broker", subnet_ids=[subnet.id for subnet in subnets]
    ).name,
    security_group_ids=[group.id],
    transit_encryption_enabled=True,
    at_rest_encryption_enabled=True,
    user_group_ids=[users.user_group_id],
    tags=tags,
)
repository = aws.ecr.Repository("images", name="trial/worker", image_tag_mutability="IMMUTABLE")
topic = aws.sns.Topic("alarms", tags=tags)
aws.cloudwatch.MetricAlarm(
    "memory",
    namespace="AWS/ElastiCache",
    metric_name="DatabaseMemoryUsagePercentage",
    dimensions={{"ReplicationGroupId": broker.id}},
    statistic="Average",
    period=60,
    evaluation_periods=5,
    threshold=75,
    comparison_operator="GreaterThanThreshold",
    alarm_actions=[topic.arn],
)
aws.cloudwatch.LogGroup("flow", retention_in_days=30)
pulumi.export("host", broker.primary_endpoint_address)
pulumi.export("port", broker.port)
pulumi.export("username", worker.user_name)
pulumi.export("password", password.result)
pulumi.export("endpoint", cluster.endpoint)
pulumi.export("group", cluster.vpc_config.cluster_security_group_id)
{more}
"""

DEFAULTS = {
    "cidr": "10.0.0.0/16",
    "stage": "one",
    "nodes": "2",
    "policy": "noeviction",
    "more": "",
}


def program(**parts: str) -> str:
    """The program, with some parts other than usual."""
    return TEMPLATE.format(**(DEFAULTS | parts))


@dataclass(frozen=True)
class Aws:
    """AWS's stand-in as another client than the plugin sees it."""

    endpoint: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",
        )

    def inject(self, action: str, code: str, message: str) -> None:
        """Let the next call of that name fail."""
        inject(self.endpoint, action, code, message)

    def left(self) -> dict[str, list[Any]]:
        """What there is, of all the types in the program."""
        ec2, cache = self.client("ec2"), self.client("elasticache")
        own = [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
        groups = ec2.describe_security_groups()["SecurityGroups"]
        keys = self.client("kms")
        described = [
            keys.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in keys.list_keys()["Keys"]
        ]
        return {
            "vpcs": own,
            "groups": [group for group in groups if group["GroupName"] != "default"],
            "roles": self.client("iam").list_roles()["Roles"],
            "keys": [key for key in described if key["KeyState"] != "PendingDeletion"],
            "clusters": self.client("eks").list_clusters()["clusters"],
            "scaling groups": self.client("autoscaling").describe_auto_scaling_groups()[
                "AutoScalingGroups"
            ],
            "replication groups": cache.describe_replication_groups()["ReplicationGroups"],
            "users": cache.describe_users()["Users"],
            "parameter groups": cache.describe_cache_parameter_groups()["CacheParameterGroups"],
            "repositories": self.client("ecr").describe_repositories()["repositories"],
            "alarms": self.client("cloudwatch").describe_alarms()["MetricAlarms"],
            "topics": self.client("sns").list_topics()["Topics"],
            "log groups": self.client("logs").describe_log_groups()["logGroups"],
        }


@contextmanager
def running() -> Iterator[Aws]:
    """AWS's stand-in in a thread; a process has one AWS."""
    listening = server(0)
    thread = Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield Aws(f"http://127.0.0.1:{listening.server_port}")
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def on_aws(root: Path, tools: Tools, plugins: Path, endpoint: str) -> Project:
    """A project whose AWS is the stand-in, and whose kubeconfig leads nowhere."""
    made = new_project(root, plugins, tools.pulumi, root / "no-kubeconfig")
    named = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, **KEYS}
    kept = {key: value for key, value in made.environ.items() if key != "AWS_PROFILE"}
    return replace(made, environ={**kept, **named})
