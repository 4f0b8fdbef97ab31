"""The loopback ports of one stage, by the program that listens on them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ADDRESS = "127.0.0.1"
"""Everything listens here."""

Port = Annotated[int, Field(ge=1, le=65535)]


PORTS_OF: dict[str, tuple[str, ...]] = {
    "etcd": ("etcd", "etcd_peer"),
    "kube-apiserver": ("kube_apiserver",),
    "kube-controller-manager": ("kube_controller_manager",),
    "kube-scheduler": ("kube_scheduler",),
    "keda-operator": (
        "keda_operator",
        "keda_operator_health",
        "keda_operator_metrics",
    ),
    "keda-adapter": ("keda_adapter", "keda_adapter_metrics"),
    # One of the two listens, whichever speaks TLS.
    "broker": ("broker",),
    "broker-tls": ("broker",),
}
"""Names of ports by program."""


class Ports(BaseModel):
    """One port each; picked at the first start and kept, so that addresses stay the same."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    etcd: Port
    etcd_peer: Port
    kube_apiserver: Port
    kube_controller_manager: Port
    kube_scheduler: Port
    keda_operator: Port
    """gRPC: the adapter asks the operator for metric values here."""
    keda_operator_health: Port
    keda_operator_metrics: Port
    """Plain HTTP, for Prometheus: how each scaler fares."""
    keda_adapter: Port
    keda_adapter_metrics: Port
    """Plain HTTP on every address, not on loopback only: the adapter offers no choice
    (`RunMetricsServer` in cmd/adapter/main.go, KEDA 2.21). It serves counters, no secrets."""
    broker: Port
    """TLS."""

    def of(self, program: str) -> tuple[int, ...]:
        """What the program listens on."""
        return tuple(getattr(self, name) for name in PORTS_OF.get(program, ()))
