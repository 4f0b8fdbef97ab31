"""Which connections a stack's pods need, and where their other ends are."""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from infra.models.broker import BrokerAddress, ExistingBroker
from infra.models.eks import EksCluster
from infra.models.elasticache import PORT
from infra.models.network import ExistingNetwork, NewNetwork, zone_subnets
from infra.models.network_policy import Destination, Peer, Place
from infra.models.ranges import PRIVATE, internet

if TYPE_CHECKING:
    from infra.models.fleet import FleetConfig

MONITORING = "monitoring"
"""Namespace of the metrics stack that this stack installs."""
_SERVICE = re.compile(r"[^.]+(?:\.[^.]+)*\.(?P<namespace>[a-z0-9-]+)\.svc(?:\..*)?")
_HTTPS = 443
# kubeadm's own; managed clusters take 443 on both sides of the Service `kubernetes`.
_API_SERVER = 6443


class Ends(NamedTuple):
    """The other ends of one kind of connection, and their ports."""

    peers: tuple[Peer, ...]
    ports: tuple[int, ...]


def broker_ends(fleet: "FleetConfig", address: BrokerAddress | None) -> Ends:
    """Where the broker is; `address` is that of one which this stack does not own.

    Raises:
        ValueError: its host is where `broker.at` says that it is not, or the fleet's namespace.

    """
    broker = fleet.broker
    if not isinstance(broker, ExistingBroker):
        return Ends(_ranges(_private_subnets(fleet)), (PORT,))
    if address is None:
        raise ValueError("the address of a broker that others own is not known")
    return Ends(_existing_broker(fleet, broker, address.host), (address.port,))


def api_server(fleet: "FleetConfig") -> Ends:
    """Where the API server answers: the address of its Service, or what stands behind it."""
    if isinstance(fleet.cluster, EksCluster):
        first = ip_network(fleet.cluster.service_cidr)[1]
        return Ends(_ranges((f"{first}/32", *_private_subnets(fleet))), (_HTTPS,))
    stated = fleet.network_policy.api_server_cidrs
    return Ends(_ranges(stated or PRIVATE), (_HTTPS, _API_SERVER))


def scrapers(fleet: "FleetConfig") -> tuple[Peer, ...]:
    """Where Prometheus is; the stack's own always may."""
    stated = fleet.network_policy.scrapers
    own = Peer(namespace=MONITORING)
    installed = fleet.monitoring.kind == "release" and own not in stated
    return (*stated, own) if installed else stated


def internet_workers(fleet: "FleetConfig") -> list[str]:
    """Workers with a queue whose tasks may reach the internet."""
    return [
        name
        for name, worker in fleet.workers.items()
        if any(fleet.queues[queue].internet_egress for queue in worker.queues)
    ]


def own_egress(fleet: "FleetConfig", worker: str) -> list[Destination]:
    """What the tasks of a worker's queues reach beside the internet, each once."""
    queues = (fleet.queues[queue] for queue in fleet.workers[worker].queues)
    stated = [place for queue in queues for place in queue.egress]
    return [place for at, place in enumerate(stated) if place not in stated[:at]]


def internet_ranges(fleet: "FleetConfig") -> tuple[str, ...]:
    """The internet without the networks that this stack knows as its own."""
    return internet(_own_ranges(fleet))


def _own_ranges(fleet: "FleetConfig") -> Iterator[str]:
    yield from fleet.network_policy.private_cidrs
    if isinstance(fleet.network, NewNetwork):
        yield from (fleet.network.cidr, *fleet.network.peer_cidrs)
    if isinstance(fleet.network, ExistingNetwork):
        yield from fleet.network.cidrs
    if isinstance(fleet.cluster, EksCluster):
        yield fleet.cluster.service_cidr


def _private_subnets(fleet: "FleetConfig") -> tuple[str, ...]:
    """Where EKS and ElastiCache put their network interfaces."""
    if isinstance(fleet.network, NewNetwork):
        return tuple(str(zone.private) for zone in zone_subnets(fleet.network))
    stated = fleet.network.cidrs if isinstance(fleet.network, ExistingNetwork) else ()
    return stated or PRIVATE


def _existing_broker(fleet: "FleetConfig", broker: ExistingBroker, host: str) -> tuple[Peer, ...]:
    source = f"{broker.connection_secret.namespace}/{broker.connection_secret.name}"
    told = f"host {host} of broker.connectionSecret {source}"
    service = _SERVICE.fullmatch(host.rstrip("."))
    if service and service["namespace"] == fleet.namespace:
        raise ValueError(
            f"{told} is in the fleet's own namespace {fleet.namespace}, which denies all that is "
            "not the fleet's: move the broker, or state networkPolicy.enabled: false"
        )
    own = _host_range(host)
    if broker.at:
        if own and not any(_covers(place, own) for place in broker.at):
            ranges = ", ".join(str(place.cidr) for place in broker.at)
            raise ValueError(f"{told} is outside of broker.at {ranges}: no pod would reach it")
        return broker.at
    if own:
        return (Peer(cidr=own),)
    return (Peer(namespace=service["namespace"]),) if service else _ranges(PRIVATE)


def _host_range(host: str) -> str | None:
    """The range of one address, if the host is an address and no name."""
    try:
        return str(ip_network(ip_address(host)))
    except ValueError:
        return None


def _covers(place: Place, own: str) -> bool:
    """Whether an address may be the place's; pods of a namespace may have any."""
    if place.cidr is None:
        return True
    whole, address = ip_network(place.cidr), ip_network(own)
    return whole.version == address.version and address.network_address in whole


def _ranges(cidrs: tuple[str, ...]) -> tuple[Peer, ...]:
    return tuple(Peer(cidr=cidr) for cidr in cidrs)
