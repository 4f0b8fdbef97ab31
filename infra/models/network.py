"""Where nodes and broker live: a VPC that this stack makes, or one that is there."""

from collections.abc import Iterator
from ipaddress import IPv4Network, collapse_addresses
from typing import Literal, NamedTuple, Self

from pydantic import Field, PositiveInt, model_validator

from infra.models.base import Spec
from infra.models.types import Cidr, ZoneLetter

# Network address, router, DNS, one kept by AWS, broadcast (VPC user guide, subnet sizing).
_TAKEN_BY_AWS = 5
# Longest prefix of a subnet, shortest of a VPC (VPC quotas).
_SMALLEST_SUBNET = 28
_LARGEST_VPC = 16
_MOST_ZONES = 3


class ZoneSubnets(NamedTuple):
    """The two subnets of one zone."""

    private: IPv4Network
    public: IPv4Network


class NewNetwork(Spec):
    """A VPC with a public and a private subnet in each zone; nodes and broker are private."""

    kind: Literal["new"]
    cidr: Cidr = "10.0.0.0/16"
    zones: tuple[ZoneLetter, ...] = Field(default=("a", "b", "c"), min_length=2, max_length=3)
    """Letters of the region's zones; EKS and failover want two, the subnets' plan has room for
    three."""
    nat: Literal["zone", "single"] = "single"
    """A NAT gateway in each zone, or one whose zone's loss cuts all off from the internet."""
    endpoints: tuple[Literal["s3", "ecr.api", "ecr.dkr", "sts", "logs"], ...] = (
        "s3",
        "ecr.api",
        "ecr.dkr",
    )
    """AWS services reached without NAT; layers of ECR images come from S3."""
    flow_log_days: PositiveInt = Field(default=14, alias="flowLogDays")
    peer_cidrs: tuple[Cidr, ...] = ()
    """Ranges that this VPC is or will be connected to; it must not overlap them."""

    @model_validator(mode="after")
    def _ranges_agree(self) -> Self:
        if len(set(self.zones)) < len(self.zones):
            raise ValueError(f"zones {', '.join(self.zones)} name one zone twice")
        if found := list(_range_problems(self)):
            raise ValueError("; ".join(found))
        return self


class ExistingNetwork(Spec):
    """A VPC that this stack puts nodes and broker into and changes nothing of.

    Its private subnets need a way to the image registry: NAT, or endpoints for S3 and ECR.
    """

    kind: Literal["existing"]
    vpc_id: str = Field(pattern=r"^vpc-[0-9a-f]{8,17}$")
    private_subnet_ids: tuple[str, ...] = Field(min_length=2)
    """In two zones at least, as EKS asks."""
    cidrs: tuple[Cidr, ...] = ()
    """Its ranges, for network policies; unset means every private range."""

    @model_validator(mode="after")
    def _subnets_are_subnets(self) -> Self:
        for subnet in self.private_subnet_ids:
            if not subnet.startswith("subnet-"):
                raise ValueError(f"privateSubnetIds has {subnet!r}, which is no subnet's id")
        return self


def zone_subnets(network: NewNetwork) -> tuple[ZoneSubnets, ...]:
    """Subnets of each zone: a quarter of the range is private, a quarter of a quarter public.

    Pods take addresses of the private ones, load balancers and NAT of the public ones. The same
    zones give the same subnets, and a third zone can be added later without moving the others.
    """
    quarters = list(IPv4Network(network.cidr).subnets(prefixlen_diff=2))
    public = list(quarters[_MOST_ZONES].subnets(prefixlen_diff=2))
    return tuple(ZoneSubnets(quarters[i], public[i]) for i in range(len(network.zones)))


def pod_addresses(network: NewNetwork) -> int:
    """Addresses that nodes and pods can have between them."""
    return sum(each.private.num_addresses - _TAKEN_BY_AWS for each in zone_subnets(network))


def overlapping(cidr: str, others: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `others` that share an address with `cidr`."""
    return tuple(other for other in others if IPv4Network(cidr).overlaps(IPv4Network(other)))


def _range_problems(network: NewNetwork) -> Iterator[str]:
    prefix = IPv4Network(network.cidr).prefixlen
    smallest = prefix + 4
    if prefix < _LARGEST_VPC:
        yield f"cidr {network.cidr} is larger than the /{_LARGEST_VPC} that a VPC may have"
    if smallest > _SMALLEST_SUBNET:
        yield (
            f"cidr {network.cidr} is too small: its public subnets would be /{smallest}, and AWS "
            f"has none below /{_SMALLEST_SUBNET}"
        )
    if shared := overlapping(network.cidr, network.peer_cidrs):
        yield (
            f"cidr {network.cidr} overlaps peerCidrs {', '.join(shared)}: addresses in both could "
            "not be routed"
        )
    peers = [IPv4Network(peer) for peer in network.peer_cidrs]
    if sum(peer.num_addresses for peer in peers) > sum(
        whole.num_addresses for whole in collapse_addresses(peers)
    ):
        yield f"peerCidrs {', '.join(network.peer_cidrs)} overlap one another"
