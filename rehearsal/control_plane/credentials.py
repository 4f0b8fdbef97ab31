"""Who is who on the stage: every certificate, and the kubeconfig of each API client."""

from dataclasses import dataclass

from rehearsal.control_plane.certificates import (
    Authority,
    Pair,
    ensure_authority,
    ensure_signing_key,
)
from rehearsal.control_plane.files import write_if_changed
from rehearsal.control_plane.issuing import Subject
from rehearsal.control_plane.kubeconfig import Client, render_kubeconfig
from rehearsal.control_plane.ports import ADDRESS, Ports
from rehearsal.layout import Layout

ADMINS = "system:masters"
"""The group that Kubernetes' authorization always allows."""

_LOOPBACK = ("localhost", ADDRESS)

# The adapter is reached as the Service that its APIService names; the operator's gRPC
# server is asked for by the authority the adapter is told (`--metrics-service-grpc-authority`).
ADAPTER_HOST = "keda-metrics-apiserver.keda.svc"
OPERATOR_HOST = "keda-operator.keda.svc"

_API_SERVER_HOSTS = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)

SUBJECTS: dict[str, Subject] = {
    "etcd": Subject("etcd", names=_LOOPBACK),
    "etcd-client": Subject("kube-apiserver-etcd-client"),
    "kube-apiserver": Subject("kube-apiserver", names=(*_API_SERVER_HOSTS, *_LOOPBACK)),
    "kubelet-client": Subject("kube-apiserver-kubelet-client", ADMINS),
    "front-proxy-client": Subject("front-proxy-client"),
    "controllers": Subject("kube-controllers", names=_LOOPBACK),
    "keda-operator-grpc": Subject(OPERATOR_HOST, names=(OPERATOR_HOST, *_LOOPBACK)),
    "keda-adapter": Subject(ADAPTER_HOST, names=(ADAPTER_HOST, *_LOOPBACK)),
    "broker": Subject("broker", names=_LOOPBACK),
}
"""Servers, and the API server's own clients."""

CLIENTS: dict[str, Subject] = {
    "kube-controller-manager": Subject("system:kube-controller-manager", ADMINS),
    "kube-scheduler": Subject("system:kube-scheduler"),
    "keda-operator": Subject("keda-operator", ADMINS),
    "keda-metrics": Subject("keda-adapter", ADMINS),
    "admin": Subject("rehearsal-admin", ADMINS),
}
"""Those that speak to the API server through a kubeconfig of their own."""


@dataclass(frozen=True)
class Credentials:
    """The files of every identity, below the state folder."""

    layout: Layout

    @property
    def authority(self) -> Pair:
        return self.pair("ca")

    @property
    def service_account_key(self) -> Pair:
        return self.pair("service-account")

    def pair(self, name: str) -> Pair:
        folder = self.layout.certificates
        return Pair(certificate=folder / f"{name}.crt", key=folder / f"{name}.key")

    def kubeconfig(self, client: str) -> Client:
        path = self.layout.kubeconfig
        if client != "admin":
            path = self.layout.certificates / f"{client}.kubeconfig"
        return Client(name=client, kubeconfig=path, pair=self.pair(f"client-{client}"))


def ensure_credentials(layout: Layout, ports: Ports) -> Credentials:
    """Make what is missing, keep what is good; all of it readable by its owner only.

    Raises:
        RehearsalError: the state folder cannot be written.

    """
    credentials = Credentials(layout)
    authority = ensure_authority(credentials.authority)
    ensure_signing_key(credentials.service_account_key.key)
    for name, subject in SUBJECTS.items():
        authority.ensure_leaf(credentials.pair(name), subject)
    for name, subject in CLIENTS.items():
        _ensure_client(authority, credentials.kubeconfig(name), subject, ports)
    _ensure_grpc_folder(credentials)
    return credentials


def _ensure_client(authority: Authority, client: Client, subject: Subject, ports: Ports) -> None:
    authority.ensure_leaf(client.pair, subject)
    text = render_kubeconfig(
        server=f"https://{ADDRESS}:{ports.kube_apiserver}",
        authority=authority.pair.certificate.read_bytes(),
        client=client,
    )
    write_if_changed(client.kubeconfig, text)


def _ensure_grpc_folder(credentials: Credentials) -> None:
    """KEDA's operator and adapter want ca.crt, tls.crt and tls.key in one folder."""
    pair = credentials.pair("keda-operator-grpc")
    sources = {
        "ca.crt": credentials.authority.certificate,
        "tls.crt": pair.certificate,
        "tls.key": pair.key,
    }
    folder = credentials.layout.certificates / "keda"
    for name, source in sources.items():
        write_if_changed(folder / name, source.read_bytes())
