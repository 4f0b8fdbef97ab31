"""Speaks HTTP to one Kubernetes API server."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider.kubeconfig import Access
from rehearsal.plugins.kubernetes_provider.objects import Manifest

TIMEOUT = httpx.Timeout(60, connect=5)
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=64)
APPLY = "application/apply-patch+yaml"
# A kind just defined answers 429 until its storage is ready; a restarting server drops connections.
PATIENCE = 10
PAUSE_S = 0.3
TOO_MANY_REQUESTS = 429
BAD_REQUEST = 400
NOT_FOUND = 404


@dataclass(frozen=True)
class ApiError(Exception):
    """A refusal in the API server's own words."""

    code: int
    reason: str
    message: str
    """The Status message; it names the object, and each field that is wrong."""
    managers: tuple[str, ...] = ()
    """Of a conflict over fields: who else owns them, in the words of the causes."""

    @property
    def is_missing(self) -> bool:
        return self.code == NOT_FOUND

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Answer:
    """An object, and what the API server warned of."""

    body: Manifest
    warnings: tuple[str, ...]


class Api:
    """One keep-alive connection pool; safe to use from many threads."""

    def __init__(self, access: Access, cancelled: threading.Event) -> None:
        self._server = access.server
        self._cancelled = cancelled
        self._client = httpx.Client(
            base_url=access.server,
            verify=access.tls(),
            headers={"Authorization": f"Bearer {access.token}"} if access.token else {},
            timeout=TIMEOUT,
            limits=LIMITS,
            trust_env=False,
        )

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Manifest:
        return self.send("GET", path, query or {}).body

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send one request, again while the server is not ready for it; raise ApiError if refused.

        Every request this provider sends may be sent twice: none creates without a name.
        """
        request = self._client.build_request(
            method, path, params=dict(query), json=body, headers={"Content-Type": content_type}
        )
        for left in reversed(range(PATIENCE)):
            response = self._attempt(request, last=left == 0)
            if response is not None and (response.status_code != TOO_MANY_REQUESTS or not left):
                return _answer(response)
            self._cancelled.wait(PAUSE_S)
        raise AssertionError("the last attempt answers or raises")

    def _attempt(self, request: httpx.Request, *, last: bool) -> httpx.Response | None:
        try:
            return self._client.send(request)
        except httpx.TransportError as error:
            is_slow = isinstance(error, httpx.TimeoutException)
            if not (last or is_slow or self._cancelled.is_set()):
                return None
            raise RehearsalError(
                "the Kubernetes API server does not answer",
                f"{type(error).__name__}: {error}",
                "start the cluster, or check the kubeconfig",
                self._server,
            ) from error


def _answer(response: httpx.Response) -> Answer:
    if response.status_code >= BAD_REQUEST:
        raise _refusal(response)
    # A warning reads: 299 - "would violate PodSecurity ..." (RFC 9111's obsolete header).
    warnings = response.headers.get_list("Warning")
    return Answer(response.json(), tuple(text.partition('"')[2].rstrip('"') for text in warnings))


def _refusal(response: httpx.Response) -> ApiError:
    try:
        status = response.json()
    except ValueError:
        status = {"message": response.text.strip()}
    causes = (status.get("details") or {}).get("causes") or []
    return ApiError(
        response.status_code,
        str(status.get("reason") or response.reason_phrase),
        str(status.get("message") or response.reason_phrase),
        tuple(
            str(cause.get("message"))
            for cause in causes
            if cause.get("reason") == "FieldManagerConflict"
        ),
    )
