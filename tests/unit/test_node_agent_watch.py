"""The node agent's watch, against a server that does what real ones do on a bad day."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import pytest

from rehearsal.node_agent.api import retry, watch
from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiError, ApiRefusedError, ApiUnreachableError
from rehearsal.node_agent.api.retry import until_answered
from rehearsal.node_agent.api.watch import Collection, Watch
from rehearsal.node_agent.model.base import JsonObject

Answer = list[JsonObject] | ApiError


def item(name: str, version: int) -> JsonObject:
    return {"metadata": {"uid": name, "name": name, "resourceVersion": str(version)}}


def event(kind: str, name: str, version: int) -> JsonObject:
    return {"type": kind, "object": item(name, version)}


class ScriptedServer:
    """Answers each list and each watch as the script says; then watches stay silent."""

    def __init__(self, lists: list[Answer], watches: list[Answer]) -> None:
        self._lists, self._watches = lists, watches
        self.resumed_at: list[str] = []
        self.played = asyncio.Event()

    async def get(self, _path: str, _params: Mapping[str, str]) -> JsonObject:
        answer = self._lists.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return {"items": answer, "metadata": {"resourceVersion": "100"}}

    @asynccontextmanager
    async def lines(
        self, _path: str, params: Mapping[str, str], _silence_s: float
    ) -> AsyncIterator[AsyncIterator[str]]:
        self.resumed_at.append(params["resourceVersion"])
        answer = self._watches.pop(0) if self._watches else None
        if isinstance(answer, ApiError):
            raise answer
        yield self._stream(answer)

    async def _stream(self, answer: list[JsonObject] | None) -> AsyncIterator[str]:
        if answer is None:
            self.played.set()
            await asyncio.Event().wait()
        for told in answer or ():
            yield json.dumps(told)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (watch, retry):
        monkeypatch.setattr(module, "_FIRST_DELAY_S", 0.0)
    monkeypatch.setattr(watch, "_CUT_SHORT_S", 0.0)


def heard(lists: list[Answer], watches: list[Answer]) -> tuple[list[str], list[str]]:
    """What a follower hears until the script is played, and where each watch began."""

    async def follow() -> tuple[list[str], list[str]]:
        server = ScriptedServer(lists, watches)
        told: list[str] = []
        collection = Collection(
            "/api/v1/pods",
            on_set=lambda found: told.append(f"+{found['metadata']['name']}"),
            on_gone=lambda found: told.append(f"-{found['metadata']['name']}"),
            on_listed=lambda: told.append("listed"),
        )
        task = asyncio.create_task(Watch(cast("ApiClient", server), collection).run())
        await asyncio.wait_for(server.played.wait(), 5)
        task.cancel()
        return told, server.resumed_at

    return asyncio.run(follow())


def test_what_is_there_and_what_changes_is_told() -> None:
    told, _ = heard([[item("a", 1)]], [[event("ADDED", "b", 101), event("DELETED", "a", 102)]])

    assert told == ["+a", "listed", "+b", "-a"]


def test_a_watch_that_ends_is_resumed_where_it_stood() -> None:
    told, resumed_at = heard([[]], [[event("ADDED", "a", 101), event("BOOKMARK", "", 150)]])

    assert told == ["listed", "+a"]
    assert resumed_at == ["100", "150"]


def test_a_server_that_restarts_is_waited_for_and_the_watch_resumed() -> None:
    away = ApiUnreachableError("connection refused")

    told, resumed_at = heard([[item("a", 1)]], [[event("ADDED", "b", 101)], away, away])

    assert told == ["+a", "listed", "+b"]
    assert resumed_at == ["100", "101", "101", "101"]


@pytest.mark.parametrize(
    "gone",
    [
        ApiRefusedError(410, "too old resource version"),
        [{"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}],
        ApiRefusedError(504, "Too large resource version"),
    ],
)
def test_a_lost_position_is_listed_anew_and_what_vanished_meanwhile_is_told(gone: Answer) -> None:
    told, resumed_at = heard([[item("a", 1), item("b", 2)], [item("b", 2)]], [gone])

    assert told == ["+a", "+b", "listed", "-a", "+b", "listed"]
    assert resumed_at == ["100", "100"]


def test_a_server_that_is_not_up_yet_is_waited_for() -> None:
    told, _ = heard([ApiUnreachableError("refused"), ApiUnreachableError("refused"), []], [])

    assert told == ["listed"]


def test_a_call_is_repeated_until_the_server_answers() -> None:
    answers = [ApiUnreachableError("refused"), ApiUnreachableError("refused"), None]

    async def call() -> str:
        problem = answers.pop(0)
        if problem:
            raise problem
        return "done"

    assert asyncio.run(until_answered(call)) == "done"


def test_a_refusal_is_an_answer_and_not_repeated() -> None:
    async def call() -> None:
        raise ApiRefusedError(404, "not found")

    with pytest.raises(ApiRefusedError, match="not found"):
        asyncio.run(until_answered(call))
