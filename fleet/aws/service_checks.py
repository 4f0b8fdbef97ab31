"""Whether EKS, ElastiCache, IAM and the alarms' readers are as a stack needs them."""

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from ipaddress import IPv4Network

from fleet.aws.finding import Finding, hint
from fleet.aws.readings import KubernetesVersion
from infra.models.addons import CloudAlarms
from infra.models.eks import EksCluster
from infra.models.elasticache import ElastiCacheBroker
from infra.models.fleet import FleetConfig

# RFC 5737 and RFC 2606.
_EXAMPLE_RANGES = [
    IPv4Network(each) for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
]
_EXAMPLE_DOMAIN = re.compile(r"[@.]example\.(com|net|org)$")
_SOON = dt.timedelta(days=60)
_ROLE_NAMES = {
    "eks.amazonaws.com": "AWSServiceRoleForAmazonEKS",
    "eks-nodegroup.amazonaws.com": "AWSServiceRoleForAmazonEKSNodegroup",
    "autoscaling.amazonaws.com": "AWSServiceRoleForAutoScaling",
    "spot.amazonaws.com": "AWSServiceRoleForEC2Spot",
    "elasticache.amazonaws.com": "AWSServiceRoleForElastiCache",
    "elasticfilesystem.amazonaws.com": "AWSServiceRoleForAmazonElasticFileSystem",
    "backup.amazonaws.com": "AWSServiceRoleForBackup",
}


def eks_findings(
    cluster: EksCluster, there: Sequence[KubernetesVersion], today: dt.date
) -> Iterator[Finding]:
    """Whether EKS makes clusters of the version, and how long it is supported."""
    subject = f"Kubernetes {cluster.version}"
    found = next((one for one in there if one.version == cluster.version), None)
    standard = [one.version for one in there if one.status == "STANDARD_SUPPORT"]
    newer = f"set cluster.version to one of {', '.join(sorted(standard, key=_numbers))}"
    if found is None or found.status == "UNSUPPORTED":
        yield Finding(subject, "EKS makes no clusters of this version", newer)
        return
    until = found.standard_until
    if found.status == "EXTENDED_SUPPORT":
        told = f"standard support ended{_on(until)}: the control plane costs six times as much"
        if cluster.support == "STANDARD":
            yield Finding(subject, f"{told}, and EKS upgrades it by itself", newer)
        else:
            yield hint(subject, told, newer)
    elif until is not None and until - today < _SOON:
        yield hint(subject, f"standard support ends{_on(until)}", newer)
    else:
        yield Finding(f"{subject}, in standard support{f' until {until}' if until else ''}")


def reach_findings(cluster: EksCluster) -> Iterator[Finding]:
    """Whether the API server can be reached from where `pulumi up` runs."""
    key = "cluster.publicAccessCidrs"
    if not cluster.public_access_cidrs:
        yield hint(
            key,
            "the API server will answer inside the VPC only",
            "run pulumi up from there (VPN, peering, a runner in the VPC), or state your range",
        )
    for cidr in cluster.public_access_cidrs:
        if any(IPv4Network(cidr).subnet_of(one) for one in _EXAMPLE_RANGES):
            yield Finding(
                f"{key} {cidr}",
                "the range is for examples and nobody's: pulumi up could not reach the API server",
                "state where pulumi up runs: curl -s https://checkip.amazonaws.com tells it",
            )


def cache_findings(
    broker: ElastiCacheBroker, there: Mapping[str, str], *, node_type_offered: bool
) -> Iterator[Finding]:
    """Whether ElastiCache has the engine's version, its parameter family, and the node type."""
    subject = f"{broker.engine} {broker.version}"
    family = _family(broker.version, there)
    if family is None:
        yield Finding(
            subject,
            "ElastiCache does not offer this version here",
            f"set broker.version to one of {', '.join(sorted(there, key=_numbers)) or 'none'}",
        )
    elif family != broker.parameter_family:
        yield Finding(
            subject,
            f"its parameter group family is {family}, but {broker.parameter_family} would be made",
            f"set broker.version to one of family {broker.parameter_family}",
        )
    else:
        yield Finding(f"{subject}, parameter group family {family}")
    if node_type_offered:
        yield Finding(f"{broker.node_type} x {broker.nodes}")
    else:
        yield Finding(
            f"broker.nodeType {broker.node_type}",
            "ElastiCache lists no offering of this type in the region",
            "correct broker.nodeType: aws elasticache describe-reserved-cache-nodes-offerings",
        )


def role_findings(fleet: FleetConfig, there: Collection[str]) -> Iterator[Finding]:
    """Roles that AWS makes for its services at first use, where the caller may make them."""
    for service in _services(fleet):
        name = _ROLE_NAMES[service]
        if service in there:
            yield Finding(name)
        else:
            yield hint(
                name,
                "missing; AWS makes it at first use where the caller may",
                "where the caller has no iam:CreateServiceLinkedRole, who has runs: "
                f"aws iam create-service-linked-role --aws-service-name {service}",
            )


def alarm_findings(alarms: CloudAlarms, *, prod: bool) -> Iterator[Finding]:
    """Whether somebody hears of alarms and of spending."""
    if alarms.emails:
        yield Finding(f"alarms go to {', '.join(alarms.emails)}, once each confirms by link")
    else:
        yield Finding(
            "alarms.emails", "nobody hears of an alarm", "name an address there", fails=prod
        )
    for address in filter(_EXAMPLE_DOMAIN.search, alarms.emails):
        yield Finding(
            f"alarms.emails {address}",
            "the domain is for examples: nobody would hear of an alarm",
            "name an address of yours",
            fails=prod,
        )
    if alarms.monthly_budget_usd is None:
        yield hint(
            "alarms.monthlyBudgetUsd",
            "nobody hears of spending that runs away, as of GPU nodes that stay",
            "set it to about twice what `fleet plan` estimates",
        )
    else:
        yield Finding(f"budget of ${alarms.monthly_budget_usd:,.0f} a month")


def _services(fleet: FleetConfig) -> Iterator[str]:
    if isinstance(fleet.cluster, EksCluster):
        yield from ("eks.amazonaws.com", "eks-nodegroup.amazonaws.com", "autoscaling.amazonaws.com")
        if any(group.spot for group in fleet.node_groups.values()):
            yield "spot.amazonaws.com"
        # The shared files and, under protection, their daily backups.
        yield "elasticfilesystem.amazonaws.com"
        if fleet.protect:
            yield "backup.amazonaws.com"
    if isinstance(fleet.broker, ElastiCacheBroker):
        yield "elasticache.amazonaws.com"


def _family(version: str, there: Mapping[str, str]) -> str | None:
    """By exact version, else by its newest patch: `7.1` stands for 7.1.x."""
    fitting = [one for one in there if one == version or one.startswith(f"{version}.")]
    return there[max(fitting, key=_numbers)] if fitting else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _on(day: dt.date | None) -> str:
    return f" on {day}" if day else ""
