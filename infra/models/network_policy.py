"""Who may reach the fleet's pods, and what these may reach beyond what is derived."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from infra.models.base import Spec
from infra.models.types import AnyCidr, AnyPort, Cidr, NamespaceName, ReachableCidr


class Peer(Spec):
    """The other end of a connection: a range of addresses, or pods of a namespace."""

    cidr: AnyCidr | None = None
    namespace: NamespaceName | None = None
    pod_labels: Mapping[str, str] = {}
    """Of the pods that are meant; without any, all pods of the namespace."""

    @model_validator(mode="after")
    def _is_one_end(self) -> Self:
        if (self.cidr is None) == (self.namespace is None):
            raise ValueError("state cidr or namespace, one of the two")
        if self.cidr is not None and self.pod_labels:
            raise ValueError(f"podLabels go with a namespace, and cidr is {self.cidr}")
        return self


class Place(Peer):
    """Where pods of the fleet may connect to."""

    cidr: ReachableCidr | None = None


class Destination(Place):
    """A place, and its ports."""

    ports: tuple[AnyPort, ...] = Field(min_length=1)
    protocol: Literal["TCP", "UDP"] = "TCP"


class NetworkPolicySpec(Spec):
    """What the fleet's network policies cannot derive."""

    enabled: bool = True
    """Whether the namespace denies what is not allowed; it takes a CNI that enforces policies."""
    callers: tuple[Peer, ...] = ()
    """Who may reach the HTTP API: an ingress controller, producers. `kubectl port-forward` always
    may."""
    scrapers: tuple[Peer, ...] = (Peer(namespace="monitoring"),)
    """Where Prometheus is, which reads port `metrics`."""
    egress: tuple[Destination, ...] = ()
    """What every pod of the fleet may reach beside DNS and broker, as a collector of traces."""
    private_cidrs: tuple[Cidr, ...] = ()
    """Ranges that a queue's `internetEgress` does not open, beside those that are always private:
    public addresses of pods, nodes or offices."""
    api_server_cidrs: tuple[ReachableCidr, ...] = ()
    """Where an existing cluster's API server answers, for workers with `podDeletionCost`; unset
    means every private range."""
