"""What there is in the account of AWS's stand-in, asked as any client would ask."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import boto3


class _Listing(NamedTuple):
    """One call that lists, and where in its answer what is told of each thing."""

    service: str
    call: str
    key: str
    name: str
    arguments: Mapping[str, Any] = {}


_OWN = {"Filters": [{"Name": "is-default", "Values": ["false"]}]}
_LISTINGS = (
    _Listing("ec2", "describe_vpcs", "Vpcs", "VpcId", _OWN),
    _Listing("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    _Listing("ec2", "describe_addresses", "Addresses", "AllocationId"),
    _Listing("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
    _Listing("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    _Listing("iam", "list_roles", "Roles", "RoleName"),
    _Listing("iam", "list_policies", "Policies", "PolicyName", {"Scope": "Local"}),
    _Listing("kms", "list_aliases", "Aliases", "AliasName"),
    _Listing("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "ARN"),
    _Listing("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
    _Listing("elasticache", "describe_replication_groups", "ReplicationGroups", "ARN"),
    _Listing("elasticache", "describe_users", "Users", "UserId"),
    _Listing("elasticache", "describe_user_groups", "UserGroups", "UserGroupId"),
    _Listing("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups", "ARN"),
    _Listing("elasticache", "describe_cache_parameter_groups", "CacheParameterGroups", "ARN"),
    _Listing("ecr", "describe_repositories", "repositories", "repositoryName"),
    _Listing("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    _Listing("logs", "describe_log_groups", "logGroups", "logGroupName"),
    _Listing("sns", "list_topics", "Topics", "TopicArn"),
)
# What every account has.
_GIVEN = ("alias/aws/", "default")


def left(endpoint: str, region: str, access_key: str) -> list[str]:
    """Name what is left, as `service: name`; keys on their way out do not count."""
    made = _Clients(endpoint, region, access_key)
    found = [f"{one.service}: {name}" for one in _LISTINGS for name in _names(made, one)]
    found += [f"eks: {name}" for name in made.client("eks").list_clusters()["clusters"]]
    found += [f"ec2: {name}" for name in _security_groups(made)]
    return sorted(found + [f"kms: {name}" for name in _keys(made)])


class _Clients:
    """Clients of the stand-in; each is made once."""

    def __init__(self, endpoint: str, region: str, access_key: str) -> None:
        self._session = boto3.Session(
            aws_access_key_id=access_key, aws_secret_access_key=access_key, region_name=region
        )
        self._endpoint = endpoint
        self._made: dict[str, Any] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        if service not in self._made:
            made: Any = self._session.client(
                service,  # type: ignore[call-overload, unused-ignore]  # a name of several it lists
                endpoint_url=self._endpoint,
            )
            self._made[service] = made
        return self._made[service]


def _names(clients: _Clients, one: _Listing) -> Iterator[str]:
    answer = getattr(clients.client(one.service), one.call)(**one.arguments)
    for each in answer[one.key]:
        name = str(each[one.name])
        if not name.startswith(_GIVEN):
            yield name


def _security_groups(clients: _Clients) -> Iterator[str]:
    for group in clients.client("ec2").describe_security_groups()["SecurityGroups"]:
        if group["GroupName"] != "default":
            yield str(group["GroupId"])


def _keys(clients: _Clients) -> Iterator[str]:
    kms = clients.client("kms")
    for key in kms.list_keys()["Keys"]:
        told = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if told["KeyState"] != "PendingDeletion":
            yield str(key["KeyId"])
