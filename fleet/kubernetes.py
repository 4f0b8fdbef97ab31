"""Reads of the Kubernetes API that the operator's commands need; they change nothing.

The Kubernetes client would cost each command half a second of imports for a handful of GETs.
"""

import base64
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from rehearsal.errors import RehearsalError

Object = dict[str, Any]
"""A Kubernetes object as the API returns it."""

_TIMEOUT_S = 10.0
_FORBIDDEN_OR_WORSE = 400


class Cluster:
    """A Kubernetes API server."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._where = str(http.base_url)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **query: str) -> Object | None:
        """Return an object or list; None where there is no such thing.

        Raises:
            RehearsalError: where the API server does not answer, or refuses.

        """
        try:
            answer = self._http.get(path, params=query)
        except httpx.HTTPError as error:
            raise nothing_runs(self._where, str(error)) from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code >= _FORBIDDEN_OR_WORSE:
            raise RehearsalError(
                what=f"the Kubernetes API refused GET {path}",
                why=_reason(answer),
                mend="see `fleet doctor`",
                where=self._where,
            )
        found: Object = answer.json()
        return found

    def items(self, path: str, **query: str) -> list[Object]:
        """Return the objects of a list; none where the kind is not served (yet)."""
        return list((self.get(path, **query) or {}).get("items") or [])

    def secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a Secret's contents, decoded."""
        found = self.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        if found is None:
            return None
        return {k: base64.b64decode(v).decode() for k, v in (found.get("data") or {}).items()}


def connect(kubeconfig: Path) -> Cluster:
    """Use the current context of a kubeconfig; nothing is sent yet.

    Raises:
        RehearsalError: where there is no kubeconfig.

    """
    if not kubeconfig.is_file():
        raise nothing_runs(kubeconfig)
    cluster, user = _current_context(yaml.safe_load(kubeconfig.read_text()))
    http = httpx.Client(
        base_url=str(cluster["server"]),
        verify=_tls(cluster, user, kubeconfig.parent),
        timeout=_TIMEOUT_S,
        # A proxy of the user's has no business with loopback.
        trust_env=False,
    )
    return Cluster(http)


def condition(item: Object, kind: str) -> Object:
    """Return a condition of an object's status; empty where it is not reported."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == kind), {})


def nothing_runs(where: str | Path, why: str = "there is no kubeconfig") -> RehearsalError:
    """Say that there is no cluster, and how to get one."""
    return RehearsalError(
        what="the rehearsal does not run",
        why=f"its Kubernetes API does not answer: {why}",
        mend="start it with: make up",
        where=where,
    )


def _reason(answer: httpx.Response) -> str:
    try:
        return f"{answer.status_code}: {answer.json().get('message')}"
    except ValueError:
        return f"{answer.status_code}: {answer.text[:300]}"


def _current_context(config: Object) -> tuple[Object, Object]:
    def named(section: str, name: str, part: str) -> Object:
        found: Object = next(e[part] for e in config[section] if e["name"] == name)
        return found

    context = named("contexts", config["current-context"], "context")
    cluster = named("clusters", context["cluster"], "cluster")
    return cluster, named("users", context["user"], "user")


def _tls(cluster: Object, user: Object, folder: Path) -> ssl.SSLContext:
    with tempfile.TemporaryDirectory() as scratch:

        def file(section: Object, key: str) -> Path:
            if key in section:
                return folder / str(section[key])
            # OpenSSL loads a client's key from files only.
            path = Path(scratch) / key
            path.touch(0o600)
            path.write_bytes(base64.b64decode(section[f"{key}-data"]))
            return path

        context = ssl.create_default_context(cafile=str(file(cluster, "certificate-authority")))
        context.load_cert_chain(file(user, "client-certificate"), file(user, "client-key"))
    return context
