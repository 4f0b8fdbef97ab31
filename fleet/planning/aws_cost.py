"""What a stack on AWS costs a month, whole: nodes, control plane, broker, network, disks.

`prices` of the stack file has US dollars an hour of each part, by the key named here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fleet.planning.forecast import Forecast
from fleet.planning.node_hours import Nodes, nodes_of
from infra.manifests.aws.node_group import disk_gib
from infra.models.eks import EksCluster
from infra.models.elasticache import ElastiCacheBroker
from infra.models.fleet import FleetConfig
from infra.models.network import NewNetwork
from infra.sizing.price import HOURS_PER_MONTH

CONTROL_PLANE = "eksControlPlane"
"""A provisioned one has its tier after it: `eksControlPlane.tier-xl`."""
NAT_GATEWAY = "natGateway"
PUBLIC_ADDRESS = "publicIpv4"
ENDPOINT = "vpcEndpoint"
"""An interface endpoint, in each of its zones."""
DISK_GIB = "gp3Gib"
"""AWS states it by the month: divide by 730."""

SPOT = "spot"
"""After an instance type: `g6.xlarge.spot`; without it, spot nodes cost what others do."""

NOT_COUNTED = (
    "data through NAT and between zones, EFS, ECR and snapshots by the GiB stored, logs, alarms, "
    "keys, volumes of the metrics stack"
)


@dataclass(frozen=True)
class Part:
    """One line of the bill; counts are means over the month."""

    name: str
    price: str
    """Its key in `prices`."""
    at_rest: float
    under_load: float
    usd_per_hour: float | None

    @property
    def rest_usd(self) -> float | None:
        """A month without any task."""
        return self._month(self.at_rest)

    @property
    def load_usd(self) -> float | None:
        """A month of the declared steady load and bursts."""
        return self._month(self.under_load)

    def _month(self, count: float) -> float | None:
        if not count:
            return 0.0
        return None if self.usd_per_hour is None else count * self.usd_per_hour * HOURS_PER_MONTH


def parts(fleet: FleetConfig, forecasts: Sequence[Forecast]) -> list[Part]:
    """The lines of a stack's bill; none for one that owns nothing on AWS."""
    return [
        Part(name, price, at_rest, under_load, fleet.prices.get(price))
        for name, price, at_rest, under_load in _counted(fleet, forecasts)
    ]


def unpriced(bill: Sequence[Part]) -> list[str]:
    """Keys that `prices` lacks for what the stack has."""
    lacking = (one for one in bill if one.usd_per_hour is None)
    return sorted({one.price for one in lacking if one.at_rest or one.under_load})


def _counted(
    fleet: FleetConfig, forecasts: Sequence[Forecast]
) -> Iterator[tuple[str, str, float, float]]:
    """Name, price key, count at rest, count under load."""
    if isinstance(fleet.cluster, EksCluster):
        tier = fleet.cluster.control_plane_tier
        key = CONTROL_PLANE if tier == "standard" else f"{CONTROL_PLANE}.{tier}"
        yield "EKS control plane", key, 1, 1
        yield from _nodes(fleet, forecasts)
    broker = fleet.broker
    if isinstance(broker, ElastiCacheBroker):
        yield f"broker, {broker.node_type}", broker.node_type, broker.nodes, broker.nodes
    if isinstance(fleet.network, NewNetwork):
        for name, key, count in _network(fleet.network):
            yield name, key, count, count


def _nodes(
    fleet: FleetConfig, forecasts: Sequence[Forecast]
) -> Iterator[tuple[str, str, float, float]]:
    disks = Nodes(0.0, 0.0)
    for name, group in fleet.node_groups.items():
        nodes, gib = nodes_of(fleet, name, forecasts), disk_gib(group)
        spot = ", spot" if group.spot else ""
        kind = group.instance_type or "no instanceType"
        cheaper = f"{kind}.{SPOT}"
        price = cheaper if group.spot and cheaper in fleet.prices else kind
        yield f"nodes {name}, {kind}{spot}", price, nodes.at_rest, nodes.under_load
        disks = Nodes(
            disks.at_rest + nodes.at_rest * gib, disks.under_load + nodes.under_load * gib
        )
    yield "disks of nodes, GiB", DISK_GIB, disks.at_rest, disks.under_load


def _network(network: NewNetwork) -> Iterator[tuple[str, str, int]]:
    zones = len(network.zones)
    gateways = zones if network.nat == "zone" else 1
    interfaces = [one for one in network.endpoints if one != "s3"]
    yield "NAT gateways", NAT_GATEWAY, gateways
    yield "their public addresses", PUBLIC_ADDRESS, gateways
    yield "interface endpoints, by zone", ENDPOINT, len(interfaces) * zones
