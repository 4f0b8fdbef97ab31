"""Reads from AWS what the checks judge; every call is a describe, a get or a list."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from fleet.aws.account import Account
from fleet.aws.quotas import ELASTIC_IPS, VPCS, Quota, Reading, vcpu_quota
from fleet.aws.readings import InstanceType, KubernetesVersion, Subnet, Zone

# Set by EKS on every node of a managed node group.
_CLUSTER_TAG = "eks:cluster-name"
_ROLES_PATH = "/aws-service-role/"


def zones(account: Account) -> list[Zone]:
    """Zones of the region that can be used."""
    only = [{"Name": "zone-type", "Values": ["availability-zone"]}]
    answer = account.client("ec2").describe_availability_zones(Filters=only)
    return [
        Zone(each["ZoneName"], each["ZoneId"])
        for each in answer["AvailabilityZones"]
        if each["State"] == "available"
    ]


def instance_types(account: Account, names: Collection[str]) -> Mapping[str, InstanceType]:
    """Those of the named types that the region knows."""
    # By filter, not by name: one unknown name would make the whole call fail.
    named = [{"Name": "instance-type", "Values": sorted(names)}]
    pages = _pages(account, "ec2", "describe_instance_types", Filters=named)
    found = (_instance_type(each) for page in pages for each in page["InstanceTypes"])
    return {one.name: one for one in found}


def offered_zones(account: Account, names: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Zones of the region by instance type that is offered there."""
    asked = {
        "LocationType": "availability-zone",
        "Filters": [{"Name": "instance-type", "Values": sorted(names)}],
    }
    found: dict[str, frozenset[str]] = {}
    for page in _pages(account, "ec2", "describe_instance_type_offerings", **asked):
        for each in page["InstanceTypeOfferings"]:
            name = each["InstanceType"]
            found[name] = found.get(name, frozenset()) | {each["Location"]}
    return found


def running(account: Account, cluster: str) -> Mapping[tuple[str, bool], int]:
    """Instances by type and spot, without the nodes of the stack's own cluster."""
    alive = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    count: Counter[tuple[str, bool]] = Counter()
    for page in _pages(account, "ec2", "describe_instances", Filters=alive):
        for each in (one for group in page["Reservations"] for one in group["Instances"]):
            if _tags(each).get(_CLUSTER_TAG) != cluster:
                count[each["InstanceType"], each.get("InstanceLifecycle") == "spot"] += 1
    return count


def vcpu_readings(
    account: Account, quotas: Collection[Quota], cluster: str
) -> Mapping[Quota, Reading]:
    """Limit and use of vCPU quotas."""
    others = running(account, cluster)
    types = instance_types(account, {name for name, _ in others}) if others else {}
    used: Counter[Quota] = Counter()
    for (name, spot), count in others.items():
        quota = vcpu_quota(name, spot=spot)
        if quota is not None and name in types:
            used[quota] += count * types[name].vcpus
    return {quota: Reading(limit(account, quota), used[quota]) for quota in quotas}


def network_readings(account: Account, own: Mapping[str, str]) -> Mapping[Quota, Reading]:
    """Limit and use of what a new VPC takes; `own` are the tags of the stack's own parts."""
    ec2 = account.client("ec2")
    vpcs = [one for page in _pages(account, "ec2", "describe_vpcs") for one in page["Vpcs"]]
    addresses = ec2.describe_addresses()["Addresses"]
    return {
        VPCS: Reading(limit(account, VPCS), _others(vpcs, own)),
        ELASTIC_IPS: Reading(limit(account, ELASTIC_IPS), _others(addresses, own)),
    }


def limit(account: Account, quota: Quota) -> float:
    """What the account is allowed, AWS' default where nothing else was granted."""
    client = account.client("service-quotas")
    asked = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        answer = client.get_service_quota(**asked)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchResourceException":
            raise
        answer = client.get_aws_default_service_quota(**asked)
    return float(answer["Quota"]["Value"])


def subnets(account: Account, ids: Collection[str]) -> list[Subnet]:
    """Those of the named subnets that are there."""
    named = [{"Name": "subnet-id", "Values": sorted(ids)}]
    return [
        Subnet(
            each["SubnetId"],
            each["VpcId"],
            each["AvailabilityZone"],
            each["AvailableIpAddressCount"],
        )
        for page in _pages(account, "ec2", "describe_subnets", Filters=named)
        for each in page["Subnets"]
    ]


def kubernetes_versions(account: Account) -> list[KubernetesVersion]:
    """Versions that EKS makes clusters of."""
    pages = _pages(account, "eks", "describe_cluster_versions")
    return [
        KubernetesVersion(
            each["clusterVersion"],
            each.get("versionStatus") or each["status"].upper().replace("-", "_"),
            each["endOfStandardSupportDate"].date() if "endOfStandardSupportDate" in each else None,
        )
        for page in pages
        for each in page["clusterVersions"]
    ]


def cache_versions(account: Account, engine: str) -> Mapping[str, str]:
    """Parameter group family by version of an ElastiCache engine."""
    pages = _pages(account, "elasticache", "describe_cache_engine_versions", Engine=engine)
    return {
        each["EngineVersion"]: each["CacheParameterGroupFamily"]
        for page in pages
        for each in page["CacheEngineVersions"]
    }


def cache_node_offered(account: Account, node_type: str) -> bool:
    """Whether ElastiCache sells reservations of a node type: the only list of types it has."""
    answer = account.client("elasticache").describe_reserved_cache_nodes_offerings(
        CacheNodeType=node_type
    )
    return bool(answer["ReservedCacheNodesOfferings"])


def service_roles(account: Account) -> frozenset[str]:
    """Services, as `spot.amazonaws.com`, that have their linked role in the account."""
    pages = _pages(account, "iam", "list_roles", PathPrefix=_ROLES_PATH)
    roles = (each for page in pages for each in page["Roles"])
    return frozenset(role["Path"].removeprefix(_ROLES_PATH).strip("/") for role in roles)


def _pages(account: Account, service: str, call: str, **asked: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3's
    yield from account.client(service).get_paginator(call).paginate(**asked)


def _instance_type(each: Mapping[str, Any]) -> InstanceType:
    gpus = each.get("GpuInfo", {}).get("Gpus", [])
    return InstanceType(
        name=each["InstanceType"],
        vcpus=each["VCpuInfo"]["DefaultVCpus"],
        memory_mib=each["MemoryInfo"]["SizeInMiB"],
        gpus=sum(gpu["Count"] for gpu in gpus),
        gpu_maker=gpus[0]["Manufacturer"] if gpus else None,
        architectures=tuple(each["ProcessorInfo"]["SupportedArchitectures"]),
        spot="spot" in each["SupportedUsageClasses"],
    )


def _tags(each: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}


def _others(found: list[dict[str, Any]], own: Mapping[str, str]) -> int:
    return sum(not own.items() <= _tags(each).items() for each in found)
