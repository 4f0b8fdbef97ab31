"""The API benchmark's own parts: what it offers, how it counts, and when it says no."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import repeat
from typing import Any

import pytest

from benchmarks.api.load import Answer, Load, Offered
from benchmarks.api.report import Report, percentile_ms
from benchmarks.api.requests import accepted_ids, creations, written_ids

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

FIGURES: dict[str, Any] = {
    "rate": 1000.0,
    "seconds": 30.0,
    "connections": 64,
    "processes": 2,
    "keys": False,
    "offered": 30_000,
    "accepted": 30_000,
    "refused": 0,
    "unanswered": 0,
    "lost": 0,
    "twice": 0,
    "not_told": 0,
    "per_second": 999.0,
    "p50_ms": 1.0,
    "p95_ms": 2.0,
    "p99_ms": 3.0,
    "api_cpu_us": 900,
    "cpu_busy": 0.9,
    "cpu_foreign": 0.0,
    "cpu_pressure": 0.1,
    "monitoring_slowest_ms": {"/api/v1/workers/health": 20.0},
    "at": 0.0,
}


def offered(handle: Handler, requests: int, rate: float, connections: int) -> Offered:
    """Offer requests to a server in this process."""

    async def run() -> Offered:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        load = Load("127.0.0.1", port, connections)
        told = await load.offer(repeat(b"GET / HTTP/1.1\r\n\r\n"), rate, requests / rate)
        server.close()
        # The handlers see their connections end.
        await asyncio.sleep(0.05)
        return told

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(run())


def answering(after_s: float) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            await reader.readline()
            await asyncio.sleep(after_s)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            await writer.drain()
            # In two pieces, as they may come.
            writer.write(b"{}")
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    return handle


def test_every_request_is_sent_and_its_answer_kept() -> None:
    told = offered(answering(0), requests=40, rate=400, connections=4)

    assert told.sent == 40
    assert [(each.status, each.body) for each in told.answers] == [(200, b"{}")] * 40


def test_a_slow_server_is_charged_for_the_wait_before_the_request_could_be_sent() -> None:
    told = offered(answering(0.05), requests=10, rate=200, connections=1)

    # The last one was due after 45 ms and had nine before it.
    assert told.answers[-1].latency_s > 0.4
    assert told.elapsed_s > 0.5


def test_a_cut_connection_counts_as_an_answer_that_never_came() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()
        await writer.wait_closed()

    told = offered(hang_up, requests=2, rate=100, connections=2)

    assert [each.status for each in told.answers] == [0, 0]


def test_each_key_is_used_once() -> None:
    requests = creations(keys=True)
    heads = [next(requests).split(b"\r\n\r\n")[0] for _ in range(3)]

    assert [head.rpartition(b"Idempotency-Key: ")[2] for head in heads] == [
        b"key-0",
        b"key-1",
        b"key-2",
    ]
    assert b"Idempotency-Key" not in next(creations(keys=False))


def test_accepted_tasks_are_those_the_api_answered_for() -> None:
    answers = [Answer(200, 0.1, b'{"task_id": "a"}'), Answer(503, 0.1, b"{}"), Answer(0, 0.1, b"")]

    assert accepted_ids(answers) == {"a"}


def test_messages_are_counted_by_their_tasks_id() -> None:
    class Broker:
        messages = tuple(json.dumps({"headers": {"id": each}}) for each in "aab")

        def llen(self, _: str) -> int:
            return 3

        def lrange(self, _: str, start: int, end: int) -> tuple[str, ...]:
            return self.messages[start : end + 1]

    assert written_ids(Broker(), "q") == {"a": 2, "b": 1}


def test_a_run_without_loss_has_no_problem_though_it_was_slow_or_refused_some() -> None:
    assert Report(**FIGURES | {"refused": 7, "p99_ms": 4000.0}).problems == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lost": 1}, "1 accepted tasks are not in Redis"),
        ({"twice": 2}, "2 tasks are in Redis more than once"),
        ({"unanswered": 3}, "3 requests were never answered"),
        ({"monitoring_slowest_ms": {"/x": 201.0}}, "/x took 201 ms, above 200"),
    ],
)
def test_what_must_not_be_is_told(change: dict[str, Any], told: str) -> None:
    assert Report(**FIGURES | change).problems == [told]


def test_a_percentile_is_a_value_that_occurred() -> None:
    assert percentile_ms([0.001, 0.002, 0.003, 0.004], 0.5) == 2.0
    assert percentile_ms([], 0.5) == 0.0
