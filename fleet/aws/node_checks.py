"""Whether a region has what a stack's nodes are: its zones, instance types, and what they hold."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

from fleet.aws.finding import Finding, hint
from fleet.aws.readings import InstanceType, Subnet, Zone
from infra.manifests.aws.node_group import architecture
from infra.models.agreement import plan
from infra.models.cluster import NodeGroupSpec
from infra.models.eks import EksCluster
from infra.models.fleet import FleetConfig
from infra.models.network import ExistingNetwork

# EKS takes no subnets there (EKS user guide, VPC and subnet requirements, 2026-11).
_WITHOUT_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
_FEWEST_ZONES = 2
# How long an update waits for a node's pods (EKS user guide, managed node update, 2026-11).
_UPDATE_DRAIN_S = 900
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
"""Docker's word to EC2's."""


def region_findings(region: str, known: Mapping[str, bool]) -> Iterator[Finding]:
    """Whether the region exists and is switched on in the account."""
    if region not in known:
        near = get_close_matches(region, known, n=3) or sorted(known)
        yield Finding(
            region, "AWS has no such region", f"set aws:region, as to one of {', '.join(near)}"
        )
    elif not known[region]:
        yield Finding(
            region,
            "it is switched off in this account",
            f"aws account enable-region --region-name {region} (minutes to hours), or set another "
            "aws:region",
        )
    else:
        yield Finding(f"{region} is switched on")


def zone_findings(wanted: Collection[str], there: Sequence[Zone]) -> Iterator[Finding]:
    """Whether the zones of a new network are there for this account, and take an EKS cluster."""
    known = {zone.name: zone for zone in there}
    fit = [zone.name for zone in there if zone.id not in _WITHOUT_EKS]
    mend = f"set network.zones to letters of {', '.join(sorted(fit))}"
    for name in wanted:
        zone = known.get(name)
        if zone is None:
            yield Finding(f"zone {name}", "this account has no such zone", mend)
        elif zone.id in _WITHOUT_EKS:
            yield Finding(f"zone {name} ({zone.id})", "EKS takes no subnets there", mend)
        else:
            yield Finding(f"zone {name} ({zone.id})")


def subnet_findings(network: ExistingNetwork, there: Sequence[Subnet]) -> Iterator[Finding]:
    """Whether the subnets of an existing VPC are there, its own, and in two zones."""
    known = {subnet.id: subnet for subnet in there}
    mend = "correct network.privateSubnetIds"
    for wanted in network.private_subnet_ids:
        subnet = known.get(wanted)
        if subnet is None:
            yield Finding(wanted, "there is no such subnet in this account and region", mend)
        elif subnet.vpc_id != network.vpc_id:
            yield Finding(wanted, f"it belongs to {subnet.vpc_id}, not {network.vpc_id}", mend)
        else:
            yield Finding(f"{wanted}: {subnet.zone}, {subnet.free_addresses} free addresses")
    zones = {subnet.zone for subnet in there}
    if there and len(zones) < _FEWEST_ZONES:
        yield Finding(
            f"subnets of {network.vpc_id}",
            f"all lie in {', '.join(zones)}: EKS and failover need two zones",
            "add a subnet of another zone to network.privateSubnetIds",
        )


def type_findings(
    name: str,
    group: NodeGroupSpec,
    one: InstanceType | None,
    offered: frozenset[str],
    zones: Collection[str],
) -> Iterator[Finding]:
    """Whether a node group's type can be had in the stack's zones and holds what is stated."""
    subject = f"nodeGroups.{name}: {group.instance_type}"
    if one is None:
        yield Finding(
            subject,
            "the region has no such instance type",
            "correct instanceType, or choose another type or region: aws ec2 "
            "describe-instance-type-offerings lists what there is",
        )
        return
    here = sorted(offered & set(zones))
    elsewhere = ", ".join(sorted(offered)) or "none"
    if not here:
        yield Finding(
            subject,
            f"it is offered in {elsewhere}, none of the stack's zones ({', '.join(zones)})",
            "add one of those zones to the network, or choose another type",
        )
    elif len(here) < len(zones):
        yield hint(
            subject,
            f"it is offered in {', '.join(here)} only: capacity of {len(here)} of "
            f"{len(zones)} zones",
            "nothing, or choose a type that every zone has",
        )
    else:
        yield Finding(f"{subject} in {', '.join(here)}")
    yield from _shape(name, group, one)


def update_findings(fleet: FleetConfig) -> Iterator[Finding]:
    """Whether every worker leaves a node within the time that an update of nodes gives it."""
    if not isinstance(fleet.cluster, EksCluster):
        return
    graces = {name: plan(fleet, name).grace_s for name in fleet.workers}
    late = {name: grace_s for name, grace_s in graces.items() if grace_s > _UPDATE_DRAIN_S}
    if not late:
        return
    told = ", ".join(f"{name} ({grace_s / 60:.0f} min)" for name, grace_s in late.items())
    yield hint(
        "updates of nodes",
        f"EKS waits {_UPDATE_DRAIN_S // 60} min for a node's pods, then gives the update up "
        f"(PodEvictionFailure); longer is the grace of {told}",
        "update nodes while these run no long task, and again where it is given up: "
        "docs/runbooks/aws-upgrade.md, 3; forcing it would kill tasks",
    )


def _shape(name: str, group: NodeGroupSpec, one: InstanceType) -> Iterator[Finding]:
    """A node that holds less than is stated would leave pods pending for ever."""
    stated = (
        ("cpu", group.cpu, one.vcpus, "vCPUs"),
        ("memoryMiB", group.memory_mib, one.memory_mib, "MiB"),
        ("gpu", group.gpu, one.gpus, "GPUs"),
    )
    for key, claimed, real, unit in stated:
        if claimed > real:
            yield Finding(
                f"nodeGroups.{name}.{key} is {claimed}",
                f"{one.name} has {real} {unit}: pods placed by the stated size would stay pending",
                f"set it to what a node leaves to pods, at most {real}, or choose another type",
            )
    if group.gpu and one.gpus and one.gpu_maker != "NVIDIA":
        yield Finding(
            f"nodeGroups.{name}: {one.name}",
            f"its GPUs are {one.gpu_maker}'s; image, device plugin and drivers are for NVIDIA's",
            "choose a type of g4dn, g5, g6 or p",
        )
    if _ARCHITECTURES[architecture(one.name)] not in one.architectures:
        yield Finding(
            f"nodeGroups.{name}: {one.name}",
            f"its processor is {', '.join(one.architectures)}, but its name was taken for "
            f"{architecture(one.name)}: nodes would get a machine image that does not start",
            "choose another type",
        )
    if group.spot and not one.spot:
        yield Finding(
            f"nodeGroups.{name}: {one.name}",
            "it is not sold as a spot instance",
            "set spot: false, or choose another type",
        )
