"""Fetches what pods are configured from: ConfigMaps, Secrets and service account tokens."""

import asyncio
import time
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiRefusedError
from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.rules.source import TOKEN_KEY, Source

# The kubelet renews a token when 80 % of its life has passed (token_manager.go).
_TOKEN_RENEWED_AT = 0.8

Content = Mapping[str, bytes] | None


@dataclass(frozen=True)
class _Token:
    content: Mapping[str, bytes]
    renew_at: float


class SourceReader:
    """Reads sources for one namespace each; equal requests at one time share one answer."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._under_way: dict[tuple[str, Source], asyncio.Task[Content]] = {}
        self._tokens: dict[tuple[str, Source], _Token] = {}

    async def read(self, namespace: str, wanted: Iterable[Source]) -> dict[Source, Content]:
        """The content of each source; None where there is no such object."""
        sources = list(wanted)
        contents = await asyncio.gather(*(self._shared(namespace, s) for s in sources))
        return dict(zip(sources, contents, strict=True))

    async def _shared(self, namespace: str, source: Source) -> Content:
        key = (namespace, source)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(self._fetch(namespace, source))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        # One pod that goes must not cancel the answer for the others.
        return await asyncio.shield(task)

    async def _fetch(self, namespace: str, source: Source) -> Content:
        try:
            if source.kind == "ServiceAccountToken":
                return await self._token(namespace, source)
            plural = f"{source.kind.lower()}s"
            found = await self._api.get(f"/api/v1/namespaces/{namespace}/{plural}/{source.name}")
        except ApiRefusedError as error:
            if error.not_found:
                return None
            raise
        return _content(source, found)

    async def _token(self, namespace: str, source: Source) -> Mapping[str, bytes]:
        kept = self._tokens.get((namespace, source))
        if kept and time.time() < kept.renew_at:
            return kept.content
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{source.name}/token"
        audiences = {"audiences": [source.audience]} if source.audience else {}
        # Bound to the pod, so that admission rules can tell whose it is (kubelet's token manager).
        bound = {"kind": "Pod", "apiVersion": "v1", "name": source.pod, "uid": source.pod_uid}
        spec = {"expirationSeconds": source.lifetime_s, "boundObjectRef": bound, **audiences}
        answer = await self._api.create(path, {"spec": spec})
        content = {TOKEN_KEY: str(answer["status"]["token"]).encode()}
        renew_at = time.time() + _TOKEN_RENEWED_AT * source.lifetime_s
        self._tokens[namespace, source] = _Token(content, renew_at)
        return content


def _content(source: Source, found: JsonObject) -> Mapping[str, bytes]:
    if source.kind == "Secret":
        return {key: b64decode(value) for key, value in found.get("data", {}).items()}
    binary = {key: b64decode(value) for key, value in found.get("binaryData", {}).items()}
    return binary | {key: value.encode() for key, value in found.get("data", {}).items()}
