"""Reads of the Kubernetes API that the operator's commands need; they change nothing.

The Kubernetes client would cost each command half a second of imports for a handful of GETs.
"""

import base64
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import httpx

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider.kubeconfig import Choice
from rehearsal.plugins.kubernetes_provider.kubeconfig import access as read_access

Object = dict[str, Any]
"""A Kubernetes object as the API returns it."""
Away = Callable[[str, str], RehearsalError]
"""Tells that a server, by its address, does not answer, and why."""

_TIMEOUT_S = 30.0
_FORBIDDEN_OR_WORSE = 400


class Cluster:
    """A Kubernetes API server."""

    def __init__(self, http: httpx.Client, away: Away | None = None) -> None:
        self._http, self._away = http, away or nothing_runs
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
            raise self._away(self._where, str(error)) from error
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


class _SignedIn(httpx.Auth):
    """Sends the user's token; whoever gave it is asked again once it has run out."""

    def __init__(self, token: str, renew: Callable[[], str]) -> None:
        self._token, self._renew = token, renew

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._token = self._renew()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


def connect(kubeconfig: str | Path, context: str = "", *, away: Away | None = None) -> Cluster:
    """Sign in by a certificate, a token, or the program that the kubeconfig names.

    Args:
        kubeconfig: one path, or several as in KUBECONFIG.
        context: the current one, unless named.
        away: what is told where the server does not answer; else that the rehearsal does not run.

    Raises:
        RehearsalError: where there is no kubeconfig, or its user cannot sign in.

    """
    if away is None and not Path(kubeconfig).is_file():
        raise nothing_runs(kubeconfig)
    choice, environ = Choice(context=context), {"KUBECONFIG": str(kubeconfig)}
    access = read_access(choice, environ)
    http = httpx.Client(
        base_url=access.server,
        verify=access.tls(),
        auth=_SignedIn(access.token, lambda: read_access(choice, environ).token)
        if access.token
        else None,
        timeout=_TIMEOUT_S,
        # A proxy of the user's has no business with loopback.
        trust_env=away is not None,
    )
    return Cluster(http, away or nothing_runs)


def condition(item: Object, kind: str) -> Object:
    """Return a condition of an object's status; empty where it is not reported."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == kind), {})


def nothing_runs(where: str | Path, why: str = "there is no kubeconfig") -> RehearsalError:
    """Say that there is no cluster, and how to get one."""
    return RehearsalError(
        what="the rehearsal does not run",
        why=f"its Kubernetes API does not answer: {why}",
        mend="start it with: make up; to a cluster elsewhere leads --kubeconfig, or KUBECONFIG",
        where=where,
    )


def _reason(answer: httpx.Response) -> str:
    try:
        return f"{answer.status_code}: {answer.json().get('message')}"
    except ValueError:
        return f"{answer.status_code}: {answer.text[:300]}"
