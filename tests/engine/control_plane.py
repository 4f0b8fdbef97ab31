"""A bare control plane for tests of the plugins: etcd, API server, some controllers; no nodes."""

import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from rehearsal.toolchain import Tools

START_TIMEOUT_S = 60
CONTROLLERS = "deployment-controller,garbage-collector-controller,namespace-controller"
CONTROLLERS += ",replicaset-controller,persistentvolumeclaim-protection-controller"


@dataclass(frozen=True)
class Cluster:
    """A running API server, seen as another client than the plugins see it."""

    client: httpx.Client
    kubeconfig: Path

    def get(self, path: str) -> dict[str, Any]:
        answer = self.client.get(path)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def exists(self, path: str) -> bool:
        return self.client.get(path).status_code == 200

    def patch(
        self, path: str, body: Mapping[str, object], manager: str = "kubectl-edit"
    ) -> dict[str, Any]:
        """A merge patch, as `kubectl edit` and the scale controllers send."""
        answer = self.client.patch(
            path,
            json=body,
            params={"fieldManager": manager},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def create(self, path: str, body: Mapping[str, object]) -> None:
        self.client.post(path, json=body).raise_for_status()

    def delete(self, path: str) -> None:
        self.client.delete(path).raise_for_status()

    def is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running(tools: Tools, folder: Path) -> Iterator[Cluster]:
    """A control plane whose files lie below `folder`; everything ends with the block."""
    etcd_port, peer_port, port, kcm_port = _free_ports(4)
    token, url = secrets.token_hex(), f"https://127.0.0.1:{port}"
    _write_files(folder, url, token)
    with ExitStack() as stack:
        client = httpx.Client(
            base_url=url,
            verify=False,  # noqa: S501 - loopback, the server signed its certificate itself
            headers={"Authorization": f"Bearer {token}"},
        )
        cluster = Cluster(stack.enter_context(client), folder / "kubeconfig")
        etcd_url, peer_url = f"http://127.0.0.1:{etcd_port}", f"http://127.0.0.1:{peer_port}"
        etcd = [
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={etcd_url}",
            f"--advertise-client-urls={etcd_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",
        ]
        stack.enter_context(_process(tools.etcd, etcd, folder))
        stack.enter_context(
            _process(tools.kube_apiserver, _api_server_flags(folder, port, etcd_url), folder)
        )
        _await(cluster)
        controllers = [
            f"--kubeconfig={cluster.kubeconfig}",
            f"--controllers={CONTROLLERS}",
            f"--secure-port={kcm_port}",
            f"--cert-dir={folder / 'kcm'}",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
        ]
        stack.enter_context(_process(tools.kube_controller_manager, controllers, folder))
        yield cluster


def _api_server_flags(folder: Path, port: int, etcd_url: str) -> list[str]:
    return [
        f"--etcd-servers={etcd_url}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'api'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--service-account-key-file={folder / 'service-account.key'}",
        f"--service-account-signing-key-file={folder / 'service-account.key'}",
        "--service-account-issuer=https://localhost",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
    ]


def _write_files(folder: Path, url: str, token: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "service-account.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    (folder / "tokens.csv").write_text(f"{token},admin,1,system:masters\n")
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "clusters": [
            {
                "name": "test",
                "cluster": {"server": url, "insecure-skip-tls-verify": True},
            }
        ],
        "users": [{"name": "admin", "user": {"token": token}}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(document))


@contextmanager
def _process(program: Path, flags: list[str], folder: Path) -> Iterator[None]:
    with (folder / f"{program.name}.log").open("wb") as log:
        process = subprocess.Popen([program, *flags], stdout=log, stderr=log, cwd=folder)
        try:
            yield
        finally:
            # etcd's files are thrown away, and the API server would drain for a minute.
            process.kill()
            process.wait()


def _await(cluster: Cluster) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not cluster.is_ready():
        assert time.monotonic() < deadline, f"no API server: {cluster.kubeconfig.parent}"
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in found]
