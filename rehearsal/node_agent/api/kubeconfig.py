"""Reads the kubeconfig's current context: the server and how to speak TLS with it."""

import ssl
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import yaml

from rehearsal.errors import RehearsalError


@dataclass(frozen=True)
class Access:
    """The API server's address and the TLS context that authenticates both sides."""

    server: str
    tls: ssl.SSLContext


def read_access(kubeconfig: Path) -> Access:
    """The current context's access, from a file as `kubectl` reads it."""
    try:
        config = yaml.safe_load(kubeconfig.read_text())
        context = _entry(config, "context", config["current-context"])
        cluster = _entry(config, "cluster", context["cluster"])
        user = _entry(config, "user", context["user"])
        return Access(cluster["server"], _tls(cluster, user, kubeconfig.parent))
    except (OSError, KeyError, StopIteration, yaml.YAMLError) as error:
        raise RehearsalError(
            what="the node agent cannot reach the API server",
            why=f"its kubeconfig is unusable: {error!r}",
            mend="start the rehearsal again; the supervisor writes this file",
            where=kubeconfig,
        ) from error


def _entry(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    entries = config["clusters" if kind == "cluster" else f"{kind}s"]
    found: dict[str, Any] = next(entry[kind] for entry in entries if entry["name"] == name)
    return found


def _tls(cluster: dict[str, Any], user: dict[str, Any], folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=_pem(cluster, "certificate-authority").decode())
    # The standard library loads a client certificate from a file only.
    with NamedTemporaryFile(dir=folder) as chain:
        chain.write(_pem(user, "client-certificate") + b"\n" + _pem(user, "client-key"))
        chain.flush()
        context.load_cert_chain(chain.name)
    return context


def _pem(holder: dict[str, Any], key: str) -> bytes:
    if inline := holder.get(f"{key}-data"):
        return b64decode(inline)
    return Path(holder[key]).read_bytes()
