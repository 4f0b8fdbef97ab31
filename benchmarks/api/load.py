"""Offers requests at a fixed rate over kept connections, and keeps what was answered.

A request's latency counts from the moment it was due, not from the moment it was sent: where the
server falls behind, the wait for a free connection counts too.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_BODY_AFTER = b"\r\n\r\n"
_LAST_ANSWER_S = 15.0
# asyncio's timers are late by about a millisecond; what is due within one is sent at once.
_TICK_S = 0.001


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 stands for a connection that was cut."""

    status: int
    latency_s: float
    body: bytes


@dataclass
class Offered:
    """What a run offered and got."""

    sent: int = 0
    answers: list[Answer] = field(default_factory=list)
    elapsed_s: float = 0.0
    """From the first request to the last answer."""


class _Line(asyncio.Protocol):
    """One kept connection, one request at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._read = bytearray()
        self._due = 0.0
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for requests."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def ask(self, request: bytes, due: float) -> None:
        """Send one request, due at a moment of the monotonic clock."""
        assert self._transport is not None  # noqa: S101 - for the type checker
        self._due, self._busy = due, True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect one answer."""
        self._read += data
        end = self._read.find(_BODY_AFTER)
        found = _LENGTH.search(self._read) if end >= 0 else None
        if found is None or len(self._read) < end + len(_BODY_AFTER) + int(found.group(1)):
            return
        status, body = int(self._read[9:12]), bytes(self._read[end + len(_BODY_AFTER) :])
        self._read.clear()
        self._busy = False
        self._load.answered(self, Answer(status, time.monotonic() - self._due, body))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Count an unanswered request."""
        if self._busy:
            self._busy = False
            self._load.answered(None, Answer(0, time.monotonic() - self._due, b""))

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()


class Load:
    """An open loop: the next request comes when it is due, answered or not."""

    def __init__(self, host: str, port: int, connections: int) -> None:
        self._host, self._port, self._connections = host, port, connections
        self._idle: deque[_Line] = deque()
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._offered = Offered()

    async def offer(self, requests: Iterator[bytes], rate: float, seconds: float) -> Offered:
        """Offer requests for so many seconds, then wait for the last answers."""
        lines = [await self._line() for _ in range(self._connections)]
        self._idle.extend(lines)
        began = time.monotonic()
        total = round(rate * seconds)
        while self._offered.sent < total:
            due = began + self._offered.sent / rate
            if (early_s := due - time.monotonic()) > _TICK_S:
                await asyncio.sleep(early_s)
            self._send(next(requests), due)
            if self._offered.sent % 16 == 0:
                await asyncio.sleep(0)
        deadline = time.monotonic() + _LAST_ANSWER_S
        while len(self._offered.answers) < total and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        self._offered.elapsed_s = time.monotonic() - began
        for line in lines:
            line.close()
        return self._offered

    def answered(self, line: _Line | None, answer: Answer) -> None:
        """Keep an answer; its connection takes the next request that is due."""
        self._offered.answers.append(answer)
        if line is None:
            return
        if self._waiting:
            line.ask(*self._waiting.popleft())
        else:
            self._idle.append(line)

    def _send(self, request: bytes, due: float) -> None:
        self._offered.sent += 1
        if self._idle:
            self._idle.popleft().ask(request, due)
        else:
            self._waiting.append((request, due))

    async def _line(self) -> _Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: _Line(self), self._host, self._port)
        return line
