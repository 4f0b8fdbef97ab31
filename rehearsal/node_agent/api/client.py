"""Requests to the API server; it follows a kubeconfig that is written anew."""

import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import httpx

from rehearsal.errors import RehearsalError
from rehearsal.node_agent.api.errors import ApiRefusedError, ApiUnreachableError
from rehearsal.node_agent.api.kubeconfig import read_access
from rehearsal.node_agent.model.base import JsonObject

PatchKind = Literal["merge-patch", "strategic-merge-patch"]

_CONNECT_S = 5.0
_TIMEOUT = httpx.Timeout(30.0, connect=_CONNECT_S, pool=None)
# Many pods may start at once; more connections would cost a TLS handshake each and no less time.
_LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=16)
_ASK_AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}

_log = logging.getLogger(__name__)


class ApiClient:
    """One connection pool to the API server that the kubeconfig names."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._http = self._connect()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the API server."""
        url = self._http.base_url
        return url.host, url.port or 443

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> JsonObject:
        return await self._call("GET", path, params=params)

    async def create(self, path: str, body: JsonObject) -> JsonObject:
        return await self._call("POST", path, body)

    async def delete(self, path: str, body: JsonObject | None = None) -> JsonObject:
        return await self._call("DELETE", path, body)

    async def patch(
        self, path: str, body: JsonObject, kind: PatchKind = "merge-patch"
    ) -> JsonObject:
        return await self._call("PATCH", path, body, content_type=f"application/{kind}+json")

    @asynccontextmanager
    async def lines(
        self, path: str, params: Mapping[str, str], read_timeout_s: float
    ) -> AsyncIterator[AsyncIterator[str]]:
        """Stream a watch; a silence longer than `read_timeout_s` counts as unreachable."""
        timeout = httpx.Timeout(_CONNECT_S, read=read_timeout_s, pool=None)
        try:
            async with self._http.stream("GET", path, params=params, timeout=timeout) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise _refusal(answer)
                yield answer.aiter_lines()
        except httpx.HTTPError as error:
            raise await self._unreachable(error) from error

    async def _call(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        params: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type} if content else None
        try:
            answer = await self._http.request(
                method, path, params=params, content=content, headers=headers
            )
        except httpx.HTTPError as error:
            raise await self._unreachable(error) from error
        if answer.status_code in _ASK_AGAIN:
            raise ApiUnreachableError(_refusal(answer).message)
        if answer.is_error:
            raise _refusal(answer)
        payload: JsonObject = answer.json()
        return payload

    async def _unreachable(self, error: httpx.HTTPError) -> ApiUnreachableError:
        await self._follow_kubeconfig()
        return ApiUnreachableError(f"{type(error).__name__} {error}".strip())

    async def _follow_kubeconfig(self) -> None:
        """A restarted API server may have another port; the file then is a new one."""
        try:
            if self._kubeconfig.stat().st_mtime_ns == self._written_ns:
                return
            old, self._http = self._http, self._connect()
        except (OSError, RehearsalError) as error:
            _log.warning("the kubeconfig is not followed yet: %s", error)
            return
        _log.info("the kubeconfig has changed: connected anew")
        await old.aclose()

    def _connect(self) -> httpx.AsyncClient:
        access = read_access(self._kubeconfig)
        self._written_ns = self._kubeconfig.stat().st_mtime_ns
        return httpx.AsyncClient(
            base_url=access.server,
            verify=access.tls,
            timeout=_TIMEOUT,
            limits=_LIMITS,
            headers={"User-Agent": "rehearsal-node-agent"},
            trust_env=False,
        )


def _refusal(answer: httpx.Response) -> ApiRefusedError:
    try:
        message = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        message = answer.text[:500]
    return ApiRefusedError(answer.status_code, message)
