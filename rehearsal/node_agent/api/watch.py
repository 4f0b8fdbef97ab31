"""Follows a collection of objects for ever: list, watch, resume, and list again when told to."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiError, ApiRefusedError
from rehearsal.node_agent.model.base import JsonObject

# The server ends each watch after this long; it bounds how long a dead connection goes unseen.
_WATCH_S = 60
_SILENCE_S = _WATCH_S + 15.0
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 5.0
_CUT_SHORT_S = 1.0
STALLED_AFTER_S = _SILENCE_S + 2 * _LONGEST_DELAY_S
"""A watch without progress for longer than this no longer works."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Collection:
    """What is followed, and who hears of it."""

    path: str
    on_set: Callable[[JsonObject], None]
    """An object is there or has changed."""
    on_gone: Callable[[JsonObject], None]
    """An object is gone; its last known state."""
    on_listed: Callable[[], None] = lambda: None
    """Every object has been told of, for the first time or after a gap."""
    selector: str = ""
    """A field selector."""


class Watch:
    """One collection, followed through restarts of the API server."""

    def __init__(self, api: ApiClient, collection: Collection) -> None:
        self._api = api
        self._collection = collection
        self._known: dict[str, JsonObject] = {}
        self._version = ""
        self._began_at = self._progress_at = time.monotonic()

    @property
    def stalled(self) -> bool:
        return time.monotonic() - self._progress_at > STALLED_AFTER_S

    async def run(self) -> None:
        delay_s = _FIRST_DELAY_S
        while True:
            self._began_at = self._progress_at = time.monotonic()
            try:
                if not self._version:
                    await self._list()
                await self._follow()
                await self._pause_if_cut_short()
                delay_s = _FIRST_DELAY_S
            except ApiError as error:
                self._give_up_position(error)
                if time.monotonic() - self._began_at > _LONGEST_DELAY_S:
                    delay_s = _FIRST_DELAY_S
                self._tell_once(error, delay_s)
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    async def _pause_if_cut_short(self) -> None:
        """A server on its way down may end each watch at once."""
        if time.monotonic() - self._began_at < _CUT_SHORT_S:
            await asyncio.sleep(_CUT_SHORT_S)

    def _tell_once(self, error: ApiError, delay_s: float) -> None:
        """A server that stays away is news only when it goes."""
        level = logging.WARNING if delay_s == _FIRST_DELAY_S else logging.DEBUG
        _log.log(level, "watch of %s: %s", self._collection.path, error)

    def _give_up_position(self, error: ApiError) -> None:
        """Only a connection that broke may resume; a refused position is listed anew."""
        if isinstance(error, ApiRefusedError):
            self._version = ""

    async def _list(self) -> None:
        found = await self._api.get(self._collection.path, self._selection())
        now_known = {item["metadata"]["uid"]: item for item in found["items"]}
        for uid in self._known.keys() - now_known.keys():
            self._collection.on_gone(self._known[uid])
        self._known = now_known
        for item in now_known.values():
            self._collection.on_set(item)
        self._version = found["metadata"]["resourceVersion"]
        self._collection.on_listed()

    async def _follow(self) -> None:
        params = {
            **self._selection(),
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(_WATCH_S),
        }
        async with self._api.lines(self._collection.path, params, _SILENCE_S) as lines:
            await self._take_in(lines)

    async def _take_in(self, lines: AsyncIterator[str]) -> None:
        async for line in lines:
            self._progress_at = time.monotonic()
            event = json.loads(line)
            self._handle(event["type"], event["object"])

    def _handle(self, kind: str, item: JsonObject) -> None:
        if kind == "ERROR":
            code = item.get("code", HTTPStatus.INTERNAL_SERVER_ERROR)
            raise ApiRefusedError(code, item.get("message", "the watch ended"))
        meta = item["metadata"]
        self._version = meta["resourceVersion"]
        if kind == "DELETED":
            self._known.pop(meta["uid"], None)
            self._collection.on_gone(item)
        elif kind != "BOOKMARK":
            self._known[meta["uid"]] = item
            self._collection.on_set(item)

    def _selection(self) -> Mapping[str, str]:
        selector = self._collection.selector
        return {"fieldSelector": selector} if selector else {}
