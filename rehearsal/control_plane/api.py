"""A light client for the stage's own API server: read, server-side apply, health."""

import ssl
from pathlib import Path
from typing import Any

import httpx

from rehearsal.control_plane.credentials import Credentials
from rehearsal.control_plane.ports import ADDRESS

_FIELD_MANAGER = "rehearsal"
_TIMEOUT_S = 10.0


class KubernetesApi:
    """Speaks as the stage's administrator; the official client takes a second to import."""

    def __init__(self, credentials: Credentials, port: int) -> None:
        admin = credentials.kubeconfig("admin").pair
        context = tls_context(credentials.authority.certificate)
        context.load_cert_chain(admin.certificate, admin.key)
        self._client = httpx.Client(
            base_url=f"https://{ADDRESS}:{port}",
            verify=context,
            timeout=_TIMEOUT_S,
            # A proxy of the environment has no business on loopback.
            trust_env=False,
        )

    def get(self, path: str) -> dict[str, Any]:
        """Read one object or list.

        Raises:
            httpx.HTTPError: no answer, or one that is not a success.

        """
        answer = self._client.get(path)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def problem(self, path: str = "/readyz") -> str | None:
        """Ask a health endpoint; None when all is well."""
        answer = self._client.get(path)
        return None if answer.is_success else f"{path}: {answer.status_code} {answer.text[:200]}"

    def apply(self, path: str, manifest: str) -> None:
        """Server-side apply one manifest (YAML or JSON), taking over the fields it states.

        Raises:
            httpx.HTTPError: no answer, or the API server refused; its message is included.

        """
        answer = self._client.patch(
            path,
            params={"fieldManager": _FIELD_MANAGER, "force": "true"},
            content=manifest,
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        if not answer.is_success:
            message = f"{path}: {answer.status_code} {answer.text[:500]}"
            raise httpx.HTTPStatusError(message, request=answer.request, response=answer)

    def close(self) -> None:
        self._client.close()


def tls_context(authority: Path) -> ssl.SSLContext:
    """Trust the stage's authority, and it alone."""
    return ssl.create_default_context(cafile=str(authority))
