"""Judges connections by NetworkPolicy objects, as Kubernetes says that they are to be judged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Literal

Object = Mapping[str, Any]
Protocol = Literal["TCP", "UDP"]


@dataclass(frozen=True)
class Pod:
    """A pod as selectors see it; its address counts for ranges."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "10.255.0.1"


@dataclass(frozen=True)
class Walls:
    """The network policies of a cluster."""

    policies: Sequence[Object]

    def lets_out(self, pod: Pod, other: Pod | str, port: int, protocol: Protocol = "TCP") -> bool:
        """Whether a pod may open a connection to another one, or to an address."""
        return self._allows("Egress", pod, other, port, protocol)

    def lets_in(self, pod: Pod, other: Pod | str, port: int, protocol: Protocol = "TCP") -> bool:
        """Whether a pod may be reached by another one, or from an address."""
        return self._allows("Ingress", pod, other, port, protocol)

    def _allows(self, way: str, pod: Pod, other: Pod | str, port: int, protocol: Protocol) -> bool:
        rules, ends = way.lower(), "to" if way == "Egress" else "from"
        bounding = [p["spec"] for p in self.policies if _bounds(p, way, pod)]
        # A pod that no policy selects is open.
        return not bounding or any(
            _is_among(rule.get(ends), other, pod.namespace)
            and _has_port(rule.get("ports"), port, protocol)
            for spec in bounding
            for rule in spec.get(rules, ())
        )


def _bounds(policy: Object, way: str, pod: Pod) -> bool:
    within = policy["metadata"]["namespace"] == pod.namespace
    spec = policy["spec"]
    return within and way in spec["policyTypes"] and selects(spec["podSelector"], pod.labels)


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a selector takes labels; an empty one takes all."""
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    return all(_holds(each, labels) for each in selector.get("matchExpressions", ()))


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    if expression["operator"] != "In":
        raise NotImplementedError(expression["operator"])
    return labels.get(expression["key"]) in expression["values"]


def _is_among(peers: Iterable[Object] | None, other: Pod | str, own_namespace: str) -> bool:
    """Rules without peers mean everyone; so says the API of an empty list, too."""
    listed = list(peers or ())
    return not listed or any(_is(peer, other, own_namespace) for peer in listed)


def _is(peer: Object, other: Pod | str, own_namespace: str) -> bool:
    if "ipBlock" in peer:
        block, address = peer["ipBlock"], other if isinstance(other, str) else other.address
        excepted = any(_holds_address(cidr, address) for cidr in block.get("except", ()))
        return _holds_address(block["cidr"], address) and not excepted
    if isinstance(other, str):
        return False
    if "namespaceSelector" not in peer:
        there = other.namespace == own_namespace
    else:
        # The API server labels every namespace so.
        named = {"kubernetes.io/metadata.name": other.namespace}
        there = selects(peer["namespaceSelector"], named)
    return there and selects(peer.get("podSelector", {}), other.labels)


def _holds_address(cidr: str, address: str) -> bool:
    whole, one = ip_network(cidr), ip_address(address)
    return whole.version == one.version and one in whole


def _has_port(ports: Iterable[Object] | None, port: int, protocol: Protocol) -> bool:
    listed = list(ports or ())
    return not listed or any(
        each.get("protocol", "TCP") == protocol
        and each["port"] <= port <= each.get("endPort", each["port"])
        for each in listed
    )


def faults(policy: Object) -> Iterator[str]:
    """What the API server would refuse of a policy (ValidateNetworkPolicySpec)."""
    spec = policy["spec"]
    if not set(spec["policyTypes"]) <= {"Ingress", "Egress"}:
        yield "policyTypes"
    yield from _selector_faults(spec["podSelector"])
    for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
        for peer in (*rule.get("from", ()), *rule.get("to", ())):
            yield from _peer_faults(peer)
        for port in rule.get("ports", ()):
            last = port.get("endPort", port["port"])
            if not 1 <= port["port"] <= last <= 65535 or port["protocol"] not in {"TCP", "UDP"}:
                yield f"port {port}"


def _peer_faults(peer: Object) -> Iterator[str]:
    if ("ipBlock" in peer) == bool({"namespaceSelector", "podSelector"} & set(peer)):
        yield f"peer {peer}"
    if "ipBlock" in peer:
        ip_network(peer["ipBlock"]["cidr"])
    for key in ("namespaceSelector", "podSelector"):
        yield from _selector_faults(peer.get(key, {}))


def _selector_faults(selector: Object) -> Iterator[str]:
    values = list(selector.get("matchLabels", {}).values())
    for each in selector.get("matchExpressions", ()):
        values += each["values"]
        if not each["values"]:
            yield f"no values of {each['key']}"
    yield from (f"label value {value!r}" for value in values if len(value) > 63)
