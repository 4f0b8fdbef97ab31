"""Network policies: nothing passes but what is listed here, and told in docs/network.md."""

from collections.abc import Iterable, Sequence

from infra import names
from infra.manifests import Manifest
from infra.manifests.container import METRICS_PORT
from infra.manifests.labels import COMPONENT_LABEL, WORKER_LABEL, fleet_selector
from infra.manifests.own_pod import telling_workers
from infra.models.broker import BrokerAddress
from infra.models.fleet import FleetConfig
from infra.models.flows import (
    Ends,
    api_server,
    broker_ends,
    internet_ranges,
    internet_workers,
    own_egress,
    scrapers,
)
from infra.models.network_policy import Destination, Peer

_NAMESPACE = "kubernetes.io/metadata.name"
# CoreDNS' labels wherever kubeadm or a cloud installs it.
_DNS = {
    "namespaceSelector": {"matchLabels": {_NAMESPACE: "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}
_DNS_PORT = 53
_MEASURED = ("worker", "beat", "janitor", "redis-exporter")


def deny_all() -> Manifest:
    """Spec of the policy under which a pod that no other one selects reaches nothing."""
    return {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def allow_fleet(config: FleetConfig) -> Manifest:
    """Spec, but for the rules, of what every pod of the fleet reaches."""
    return {"podSelector": _pods(config), "policyTypes": ["Egress"]}


def fleet_egress(config: FleetConfig, broker: BrokerAddress | None) -> list[Manifest]:
    """The rules of `allow_fleet`: DNS, the broker, what the stack adds.

    Raises:
        ValueError: the broker's address and what the stack says of it disagree.

    """
    dns = {"to": [_DNS], "ports": [_port(_DNS_PORT, "UDP"), _port(_DNS_PORT)]}
    stated = [_to(place) for place in config.network_policy.egress]
    return [dns, _to_ends(broker_ends(config, broker)), *stated]


def allowed(config: FleetConfig) -> dict[str, Manifest]:
    """Specs, by name, of what some pods alone reach, or are reached by."""
    # Without a sender a rule would let in every one.
    found = {names.ALLOW_METRICS: _metrics(config)} if scrapers(config) else {}
    if callers := config.network_policy.callers:
        api = _pods(config, component=("api",))
        found[names.ALLOW_CALLERS] = _ingress(api, callers, config.api.port)
    if workers := internet_workers(config):
        found[names.ALLOW_INTERNET] = _internet(config, workers)
    if workers := telling_workers(config):
        to_server = [_to_ends(api_server(config))]
        found[names.ALLOW_API_SERVER] = _egress(_pods(config, workers=workers), to_server)
    for worker in config.workers:
        if places := own_egress(config, worker):
            own = _pods(config, workers=[worker])
            found[names.allow_worker(worker)] = _egress(own, [_to(place) for place in places])
    return found


def guest_policy(config: FleetConfig) -> Manifest:
    """Spec, but for `egress`, of a guest's only policy: it denies to every pod of the namespace.

    What it allows, it allows to each of them: they run one branch's image with one login, and what
    any of them may reach is open to that branch anyway.
    """
    rules = [rule for each in allowed(config).values() for rule in each.get("ingress", ())]
    return {**deny_all(), "ingress": rules}


def guest_egress(config: FleetConfig, broker: BrokerAddress | None) -> list[Manifest]:
    """The rules of a guest's policy: those of `fleet_egress`, and of each worker.

    Raises:
        ValueError: as `fleet_egress`.

    """
    own = [rule for each in allowed(config).values() for rule in each.get("egress", ())]
    return [*fleet_egress(config, broker), *own]


def _metrics(config: FleetConfig) -> Manifest:
    return _ingress(_pods(config, component=_MEASURED), scrapers(config), METRICS_PORT)


def _internet(config: FleetConfig, workers: Sequence[str]) -> Manifest:
    """A page's URL may name any port; none is stated as all, which the VPC CNI merges wrongly."""
    ranges = [_block(cidr) for cidr in internet_ranges(config)]
    every_port = {**_port(1), "endPort": 65535}
    return _egress(_pods(config, workers=workers), [{"to": ranges, "ports": [every_port]}])


def _pods(
    config: FleetConfig, *, component: Sequence[str] = (), workers: Sequence[str] = ()
) -> Manifest:
    """Selector of the fleet's pods, of some components of it, or of some workers."""
    chosen = {COMPONENT_LABEL: component, WORKER_LABEL: workers}
    expressions = [
        {"key": key, "operator": "In", "values": list(values)}
        for key, values in chosen.items()
        if values
    ]
    narrowed = {"matchExpressions": expressions} if expressions else {}
    return {"matchLabels": fleet_selector(config.namespace), **narrowed}


def _ingress(pods: Manifest, peers: Iterable[Peer], port: int) -> Manifest:
    rule = {"from": [_peer(peer) for peer in peers], "ports": [_port(port)]}
    return {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": [rule]}


def _egress(pods: Manifest, rules: list[Manifest]) -> Manifest:
    return {"podSelector": pods, "policyTypes": ["Egress"], "egress": rules}


def _to(place: Destination) -> Manifest:
    ports = [_port(port, place.protocol) for port in place.ports]
    return {"to": [_peer(place)], "ports": ports}


def _to_ends(ends: Ends) -> Manifest:
    return {
        "to": [_peer(peer) for peer in ends.peers],
        "ports": [_port(port) for port in ends.ports],
    }


def _peer(peer: Peer) -> Manifest:
    if peer.cidr is not None:
        return _block(peer.cidr)
    within = {"namespaceSelector": {"matchLabels": {_NAMESPACE: peer.namespace}}}
    pods = {"podSelector": {"matchLabels": dict(peer.pod_labels)}}
    return {**within, **(pods if peer.pod_labels else {})}


def _block(cidr: str) -> Manifest:
    return {"ipBlock": {"cidr": cidr}}


def _port(number: int, protocol: str = "TCP") -> Manifest:
    return {"protocol": protocol, "port": number}
