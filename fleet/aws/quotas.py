"""Quotas of an account: which one counts for what, and whether it is enough.

Codes and names are AWS' own (Service Quotas, EC2 and VPC, 2026-11).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fleet.aws.finding import Finding, hint
from fleet.aws.readings import InstanceType
from infra.models.cluster import NodeGroupSpec


class Quota(NamedTuple):
    """One of AWS' quotas of a region."""

    code: str
    name: str
    service: str = "ec2"


class Reading(NamedTuple):
    """What a quota allows, and what is taken by others than this stack."""

    limit: float
    used: int


ELASTIC_IPS = Quota("L-0263D0A3", "EC2-VPC Elastic IPs")
VPCS = Quota("L-F678F1CE", "VPCs per Region", "vpc")

_STANDARD = Quota("L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances")
_SPOT_STANDARD = Quota("L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Requests")
_G = Quota("L-DB2E81BA", "Running On-Demand G and VT instances")
_SPOT_G = Quota("L-3819A6DF", "All G and VT Spot Instance Requests")
_P = Quota("L-417A185B", "Running On-Demand P instances")
_SPOT_OLD_P = Quota("L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests")
_SPOT_P5 = Quota("L-C4BD4855", "All P5 Spot Instance Requests")
_X = Quota("L-7295265B", "Running On-Demand X instances")
_SPOT_X = Quota("L-E3A00192", "All X Spot Instance Requests")

_ON_DEMAND = {
    **dict.fromkeys(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), _STANDARD),
    **dict.fromkeys(("g", "gr", "vt"), _G),
    "p": _P,
    "x": _X,
}
_SPOT = {
    **{letters: _SPOT_STANDARD for letters, quota in _ON_DEMAND.items() if quota is _STANDARD},
    **dict.fromkeys(("g", "gr", "vt"), _SPOT_G),
    **dict.fromkeys(("p2", "p3", "p4"), _SPOT_OLD_P),
    "p5": _SPOT_P5,
    "x": _SPOT_X,
}
_FAMILY = re.compile(r"(?P<series>(?P<letters>[a-z]+)[0-9]+)")


def vcpu_quota(instance_type: str, *, spot: bool) -> Quota | None:
    """The quota that a type's vCPUs count against; None for a family that is not known here."""
    found = _FAMILY.match(instance_type)
    if found is None:
        return None
    table = _SPOT if spot else _ON_DEMAND
    return table.get(found["series"], table.get(found["letters"]))


def vcpu_quotas(groups: Mapping[str, NodeGroupSpec]) -> list[Quota]:
    """Every quota that these node groups count against."""
    found = (vcpu_quota(g.instance_type or "", spot=g.spot) for g in groups.values())
    return list(dict.fromkeys(quota for quota in found if quota is not None))


def vcpu_findings(
    groups: Mapping[str, NodeGroupSpec],
    types: Mapping[str, InstanceType],
    read: Mapping[Quota, Reading],
    region: str,
) -> Iterator[Finding]:
    """Whether the node groups, all at `maxNodes`, fit the quotas beside what else runs."""
    asked: dict[Quota, list[str]] = defaultdict(list)
    needed: dict[Quota, int] = defaultdict(int)
    for name, group in groups.items():
        one = types.get(group.instance_type or "")
        if one is None:
            continue  # told where types are checked
        quota = vcpu_quota(one.name, spot=group.spot)
        if quota is None:
            yield _unknown_family(name, one.name)
            continue
        asked[quota].append(f"{name} {group.max_nodes} x {one.vcpus} of {one.name}")
        needed[quota] += group.max_nodes * one.vcpus
    for quota, parts in asked.items():
        lower = f"lower maxNodes of nodeGroups ({'; '.join(parts)})"
        yield enough(quota, read[quota], needed[quota], "vCPUs", lower, region)


def enough(
    quota: Quota, read: Reading, needed: int, unit: str, instead: str, region: str
) -> Finding:
    """Whether a quota has room for `needed` more."""
    subject = (
        f"{quota.name}: {read.limit:g} {unit}, {read.used} taken by others, {needed} asked for"
    )
    if read.used + needed <= read.limit:
        return Finding(subject)
    wanted = read.used + needed
    return Finding(
        subject,
        f"the quota is {wanted - read.limit:g} {unit} short: AWS refuses what is above",
        f"ask for {wanted} (hours to days): aws service-quotas request-service-quota-increase "
        f"--region {region} --service-code {quota.service} --quota-code {quota.code} "
        f"--desired-value {wanted}; or {instead}",
    )


def room_for_network(
    nat_gateways: int, read: Mapping[Quota, Reading], region: str
) -> Sequence[Finding]:
    """Whether a VPC and an Elastic IP for each NAT gateway can be made."""
    return (
        enough(VPCS, read[VPCS], 1, "VPCs", "name one that is there in network.vpcId", region),
        enough(
            ELASTIC_IPS,
            read[ELASTIC_IPS],
            nat_gateways,
            "addresses",
            "set network.nat to single, or release unused ones",
            region,
        ),
    )


def _unknown_family(group: str, instance_type: str) -> Finding:
    return hint(
        f"nodeGroups.{group}: {instance_type}",
        "its family's vCPU quota is not known to this check",
        "look it up in the console: Service Quotas, Amazon EC2",
    )
