"""Renders a kubeconfig that carries its certificates within, so that it can be handed on."""

import base64
from dataclasses import dataclass
from pathlib import Path

import yaml

from rehearsal.control_plane.certificates import Pair

NAME = "rehearsal"
"""Of the cluster and the context."""


@dataclass(frozen=True)
class Client:
    """One user of the API: where its kubeconfig lies, and its certificate."""

    name: str
    kubeconfig: Path
    pair: Pair


def render_kubeconfig(server: str, authority: bytes, client: Client) -> str:
    """Render the YAML text; `authority` is the PEM text of the CA's certificate."""
    cluster = {"server": server, "certificate-authority-data": _base64(authority)}
    user = {
        "client-certificate-data": _base64(client.pair.certificate.read_bytes()),
        "client-key-data": _base64(client.pair.key.read_bytes()),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": client.name, "user": user}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": client.name}}],
        "current-context": NAME,
    }
    return yaml.safe_dump(document, sort_keys=False)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
