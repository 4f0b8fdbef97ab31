"""How each program says that it is well. A check gives None, or what is wrong."""

import ssl
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from rehearsal.control_plane.api import KubernetesApi, tls_context
from rehearsal.control_plane.credentials import Credentials
from rehearsal.control_plane.ports import ADDRESS

_TIMEOUT_S = 3.0


class Endpoints:
    """Asks the programs' health endpoints; connections are kept open between the checks."""

    def __init__(self, credentials: Credentials) -> None:
        context = tls_context(credentials.authority.certificate)
        client = credentials.pair("etcd-client")
        context.load_cert_chain(client.certificate, client.key)
        self._client = httpx.Client(verify=context, timeout=_TIMEOUT_S, trust_env=False)

    def problem(self, port: int, path: str, scheme: str = "https") -> str | None:
        """None when the endpoint answers with success."""
        try:
            answer = self._client.get(f"{scheme}://{ADDRESS}:{port}{path}")
        except (httpx.HTTPError, ssl.SSLError) as error:
            return f"port {port}: {error}"
        return None if answer.is_success else f"{path}: {answer.status_code} {answer.text[:200]}"


def heartbeat_problem(heartbeat: Path, limit_s: float) -> str | None:
    """None when the file was touched within `limit_s`."""
    try:
        age_s = time.time() - heartbeat.stat().st_mtime
    except FileNotFoundError:
        return "no heartbeat yet"
    return None if age_s < limit_s else f"last heartbeat {age_s:.0f} s ago"


def nodes_problem(
    api: KubernetesApi, fixed: frozenset[str], least: Mapping[str, int]
) -> str | None:
    """None when every fixed node is Ready, and of each node group the least number."""
    nodes = api.get("/api/v1/nodes")["items"]
    ready = {node["metadata"]["name"] for node in nodes if _is_true(node, "Ready")}
    missing = sorted(fixed - ready)
    for group, number in least.items():
        there = sum(name.rpartition("-")[0] == group for name in ready)
        missing += [f"{number - there} of group {group}"] if there < number else []
    return f"not ready: {', '.join(missing)}" if missing else None


def served_problem(api: KubernetesApi, wanted: Mapping[str, frozenset[str]]) -> str | None:
    """None when each API group serves all its kinds.

    KEDA's operator looks once: a group that it finds incomplete stays so to it, and it gives
    up after two minutes (seen with 2.21).
    """
    missing = [
        f"{plural}.{group}"
        for group, plurals in wanted.items()
        for plural in sorted(plurals - _served(api, group))
    ]
    return f"not served yet: {', '.join(missing)}" if missing else None


def _served(api: KubernetesApi, group: str) -> frozenset[str]:
    versions = api.get(f"/apis/{group}")["versions"]
    paths = [f"/apis/{version['groupVersion']}" for version in versions]
    return frozenset(each["name"] for path in paths for each in api.get(path)["resources"])


def available_problem(api: KubernetesApi, path: str) -> str | None:
    """None when an APIService is Available."""
    service = api.get(path)
    if _is_true(service, "Available"):
        return None
    conditions = service.get("status", {}).get("conditions", [])
    return "; ".join(condition.get("message", "") for condition in conditions) or "not checked yet"


def _is_true(document: dict[str, object], kind: str) -> bool:
    status = document.get("status")
    conditions = status.get("conditions", []) if isinstance(status, dict) else []
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)
