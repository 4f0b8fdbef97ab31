"""Tells what happened to a pod or a node as Kubernetes Events, without ever holding it up."""

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass, replace
from typing import Literal

from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiError, ApiRefusedError
from rehearsal.node_agent.model.base import JsonObject, Metadata
from rehearsal.node_agent.rules.timestamps import rfc3339

Severity = Literal["Normal", "Warning"]
Kind = Literal["Pod", "Node"]

# The same news of the same object is told at most this often; in between it is only counted.
_QUIET_S = 30.0
_FORGET_S = 3600.0
_QUEUED_MAX = 500
# Where Kubernetes keeps the Events of objects without a namespace.
_OF_NODES = "default"
_MESSAGE_MAX = 1024  # the API server's limit for an Event's message

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Told:
    """One Event as it stands on the server."""

    name: str
    namespace: str
    count: int
    at: float


class EventRecorder:
    """A queue of Events and the task that sends them."""

    def __init__(self, api: ApiClient, component: str) -> None:
        self._api = api
        self._component = component
        self._told: dict[tuple[str, str, str], _Told] = {}
        self._queue: asyncio.Queue[tuple[str, JsonObject]] = asyncio.Queue(_QUEUED_MAX)

    def tell(
        self,
        about: Metadata,
        severity: Severity,
        reason: str,
        message: str,
        kind: Kind = "Pod",
    ) -> None:
        """Record one piece of news; a full queue drops it, for Events are best effort."""
        now = time.time()
        key = (about.uid, reason, message)
        told = self._told.get(key)
        if told is None:
            namespace = about.namespace or _OF_NODES
            told = _Told(f"{about.name}.{uuid.uuid4().hex[:16]}", namespace, 1, now)
            news = {"type": severity, "reason": reason, "message": message[:_MESSAGE_MAX]}
            self._enqueue("POST", self._event(told, _reference(about, kind), news))
        else:
            told = replace(told, count=told.count + 1)
            if now - told.at >= _QUIET_S:
                told = replace(told, at=now)
                self._enqueue("PATCH", _repeated(told))
        self._told[key] = told

    async def run(self) -> None:
        while True:
            method, event = await self._queue.get()
            self._forget_old()
            try:
                await self._send(method, event)
            except ApiRefusedError as error:
                # A namespace that goes takes no news any more.
                _log.debug("event %s refused: %s", event.get("reason", ""), error)
            except ApiError as error:
                _log.info("event %s not told: %s", event.get("reason", ""), error)

    async def _send(self, method: str, event: JsonObject) -> None:
        meta = event["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/events"
        if method == "POST":
            await self._api.create(path, event)
        else:
            await self._api.patch(f"{path}/{meta['name']}", event)

    def _enqueue(self, method: str, event: JsonObject) -> None:
        if self._queue.full():
            _log.info("too many events at once: one is dropped")
            return
        self._queue.put_nowait((method, event))

    def _forget_old(self) -> None:
        oldest = time.time() - _FORGET_S
        self._told = {key: told for key, told in self._told.items() if told.at > oldest}

    def _event(self, told: _Told, reference: JsonObject, news: JsonObject) -> JsonObject:
        return {
            "metadata": {"name": told.name, "namespace": told.namespace},
            "involvedObject": reference,
            **news,
            "source": {"component": self._component},
            "firstTimestamp": rfc3339(told.at),
            "lastTimestamp": rfc3339(told.at),
            "count": told.count,
        }


def _reference(about: Metadata, kind: Kind) -> JsonObject:
    found = {"apiVersion": "v1", "kind": kind, "name": about.name, "uid": about.uid}
    return found | ({"namespace": about.namespace} if about.namespace else {})


def _repeated(told: _Told) -> JsonObject:
    return {
        "metadata": {"name": told.name, "namespace": told.namespace},
        "count": told.count,
        "lastTimestamp": rfc3339(told.at),
    }
