"""What there is in the account of AWS's stand-in, asked as any client would ask."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rehearsal.cloud.clients import Clients


class Listing(NamedTuple):
    """One call that lists, and where in its answer what is told of each thing."""

    service: str
    call: str
    key: str
    name: str
    arguments: Mapping[str, Any] = {}


def _own(name: str) -> Mapping[str, Any]:
    """Leave out what every region has from the beginning."""
    return {"Filters": [{"Name": name, "Values": ["false"]}]}


LISTINGS = (
    Listing("ec2", "describe_vpcs", "Vpcs", "VpcId", _own("is-default")),
    Listing("ec2", "describe_subnets", "Subnets", "SubnetId", _own("default-for-az")),
    Listing("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    Listing("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    Listing("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    Listing("ec2", "describe_addresses", "Addresses", "AllocationId"),
    Listing("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
    Listing("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    Listing("iam", "list_roles", "Roles", "RoleName"),
    Listing("iam", "list_policies", "Policies", "PolicyName", {"Scope": "Local"}),
    Listing("kms", "list_aliases", "Aliases", "AliasName"),
    Listing(
        "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"
    ),
    Listing("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
    Listing("elasticache", "describe_replication_groups", "ReplicationGroups", "ARN"),
    Listing("elasticache", "describe_users", "Users", "UserId"),
    Listing("elasticache", "describe_user_groups", "UserGroups", "UserGroupId"),
    Listing("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups", "ARN"),
    Listing("elasticache", "describe_cache_parameter_groups", "CacheParameterGroups", "ARN"),
    Listing("ecr", "describe_repositories", "repositories", "repositoryName"),
    Listing("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    Listing("logs", "describe_log_groups", "logGroups", "logGroupName"),
    Listing("sns", "list_topics", "Topics", "TopicArn"),
)
# What belongs to a cluster: call, and where in its answer the names are.
_MEMBERS = (
    ("list_nodegroups", "nodegroups"),
    ("list_addons", "addons"),
    ("list_access_entries", "accessEntries"),
    ("list_pod_identity_associations", "associations"),
)
# What every account has.
_GIVEN = ("alias/aws/", "default")
# EC2 goes on telling of gateways and endpoints for about an hour.
_GONE = "deleted"


def left(made: Clients) -> list[str]:
    """Name what is left, as `service: name`; keys on their way out do not count."""
    found = [f"{one.service}: {name}" for one in LISTINGS for name in _names(made, one)]
    found += [f"eks: {name}" for name in _clusters(made)]
    found += [f"budgets: {name}" for name in _budgets(made)]
    found += [f"ec2: {name}" for name in _security_groups(made)]
    return sorted(found + [f"kms: {name}" for name in _keys(made)])


def _names(clients: Clients, one: Listing) -> Iterator[str]:
    answer = getattr(clients.client(one.service), one.call)(**one.arguments)
    for each in answer[one.key]:
        name = str(each[one.name])
        if not name.startswith(_GIVEN) and each.get("State") != _GONE:
            yield name


def _clusters(clients: Clients) -> Iterator[str]:
    """Clusters, and what each has: `cluster/name`."""
    eks = clients.client("eks")
    for cluster in eks.list_clusters()["clusters"]:
        yield cluster
        for call, key in _MEMBERS:
            for each in getattr(eks, call)(clusterName=cluster)[key]:
                yield f"{cluster}/{each if isinstance(each, str) else each['associationId']}"


def _budgets(clients: Clients) -> Iterator[str]:
    account = clients.client("sts").get_caller_identity()["Account"]
    for budget in clients.client("budgets").describe_budgets(AccountId=account).get("Budgets", ()):
        yield str(budget["BudgetName"])


def _security_groups(clients: Clients) -> Iterator[str]:
    for group in clients.client("ec2").describe_security_groups()["SecurityGroups"]:
        if group["GroupName"] != "default":
            yield str(group["GroupId"])


def _keys(clients: Clients) -> Iterator[str]:
    kms = clients.client("kms")
    for key in kms.list_keys()["Keys"]:
        told = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if told["KeyState"] != "PendingDeletion":
            yield str(key["KeyId"])
