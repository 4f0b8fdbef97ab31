"""The TLS endpoint stand-in passes everything on, in both directions, and ends with either."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rehearsal.broker.tls_endpoint import open_endpoint
from rehearsal.control_plane.certificates import Pair, ensure_authority
from rehearsal.control_plane.issuing import Subject

MIB = 1024 * 1024

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Endpoint:
    """An endpoint before a server that does what a test says."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "s"
        authority = ensure_authority(Pair(folder / "ca.crt", folder / "ca.key"))
        leaf = Pair(folder / "b.crt", folder / "b.key")
        authority.ensure_leaf(leaf, Subject("broker", names=("127.0.0.1",)))
        self._served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._served.load_cert_chain(leaf.certificate, leaf.key)
        self._trusted = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self._port = 0
        self._handled: set[asyncio.Task[None]] = set()

    async def run(self, handler: Handler | None, test: Callable[[], Awaitable[None]]) -> None:
        endpoint = await open_endpoint(("127.0.0.1", 0), str(self.socket), self._served)
        self._port = endpoint.sockets[0].getsockname()[1]
        async with endpoint:
            if handler is None:
                await test()
                return
            async with await asyncio.start_unix_server(self._tracked(handler), self.socket):
                await test()
                await asyncio.gather(*self._handled)
                # The endpoint learns of it with the loop's next rounds.
                await asyncio.sleep(0.05)

    def _tracked(self, handler: Handler) -> Callable[[*Streams], None]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await handler(reader, writer)
            await end(writer)

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._handled.add(asyncio.create_task(handle(reader, writer)))

        return accept

    async def connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self._port, ssl=self._trusted)


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    return Endpoint(tmp_path)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


def test_megabytes_pass_in_both_directions_unchanged(endpoint: Endpoint) -> None:
    content = bytes(range(256)) * 4096 * 4

    async def test() -> None:
        reader, writer = await endpoint.connect()
        writer.write(content)
        assert await reader.readexactly(len(content)) == content
        await end(writer)

    asyncio.run(endpoint.run(echo, test))


def test_hundreds_of_connections_are_served_at_once(endpoint: Endpoint) -> None:
    async def ask(number: int, all_open: asyncio.Barrier) -> None:
        reader, writer = await endpoint.connect()
        await all_open.wait()
        writer.write(f"{number}\n".encode())
        assert await reader.readline() == f"{number}\n".encode()
        await end(writer)

    async def test() -> None:
        all_open = asyncio.Barrier(300)
        await asyncio.gather(*(ask(number, all_open) for number in range(300)))

    asyncio.run(endpoint.run(echo, test))


def test_a_reply_sent_before_the_server_hangs_up_still_arrives(endpoint: Endpoint) -> None:
    async def reply_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"x" * MIB)

    async def test() -> None:
        reader, writer = await endpoint.connect()
        writer.write(b"QUIT\n")
        assert len(await reader.read()) == MIB
        await end(writer)

    asyncio.run(endpoint.run(reply_and_hang_up, test))


def test_a_request_sent_before_the_client_hangs_up_still_arrives(endpoint: Endpoint) -> None:
    got: list[bytes] = []
    ended = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        got.append(await reader.read())
        ended.set()

    async def test() -> None:
        _, writer = await endpoint.connect()
        writer.write(b"x" * MIB)
        await end(writer)
        await ended.wait()
        assert got == [b"x" * MIB]

    asyncio.run(endpoint.run(take, test))


def test_a_client_hears_at_once_that_the_server_is_away(endpoint: Endpoint) -> None:
    async def test() -> None:
        reader, writer = await endpoint.connect()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        await end(writer)

    asyncio.run(endpoint.run(None, test))


def test_a_client_that_does_not_read_pauses_the_server(endpoint: Endpoint) -> None:
    sent = 0
    stuck = asyncio.Event()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readline()
        try:
            while sent < 200 * MIB:
                writer.write(b"x" * MIB)
                await asyncio.wait_for(writer.drain(), 1)
                sent += MIB
        except TimeoutError:
            stuck.set()
        writer.transport.abort()

    async def test() -> None:
        _, writer = await endpoint.connect()
        writer.write(b"GO\n")
        await stuck.wait()
        assert sent < 50 * MIB
        writer.transport.abort()

    asyncio.run(endpoint.run(pour, test))
