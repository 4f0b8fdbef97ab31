"""A stand-in for the TLS endpoint of a managed broker, in front of a server without TLS.

Either side's end of stream ends both, as with Redis itself: what was read before is still
delivered. A side that reads slowly pauses the other, so that memory stays bounded.
"""

import argparse
import asyncio
import resource
import signal
import socket
import ssl
from pathlib import Path
from typing import cast

# Listening sockets drop connections beyond it; a fleet's workers all connect at once.
_BACKLOG = 1024
# For the server's own queue, 511 connections long, while it is busy.
_QUEUE_PAUSE_S, _QUEUE_LIMIT_S = 0.01, 10.0


class _Upstream(asyncio.Protocol):
    """The connection to the server, on behalf of one client."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        self._client.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._client.close()

    def pause_writing(self) -> None:
        self._client.pause_reading()

    def resume_writing(self) -> None:
        self._client.resume_reading()


class Client(asyncio.Protocol):
    """A client's connection: TLS ends here, and each gets its own connection to the server."""

    def __init__(self, upstream: str) -> None:
        self._upstream_path = upstream
        self._upstream: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        client = cast("asyncio.Transport", transport)
        client.pause_reading()
        self._connecting = asyncio.create_task(self._connect(client))

    def data_received(self, data: bytes) -> None:
        if self._upstream is not None:
            self._upstream.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._lost = True
        if self._upstream is not None:
            self._upstream.close()

    def pause_writing(self) -> None:
        if self._upstream is not None:
            self._upstream.pause_reading()

    def resume_writing(self) -> None:
        if self._upstream is not None:
            self._upstream.resume_reading()

    async def _connect(self, client: asyncio.Transport) -> None:
        try:
            self._upstream = await _connect(self._upstream_path, _Upstream(client))
        except OSError:
            # As a managed endpoint whose node is away: the client sees its connection end.
            client.close()
            return
        if self._lost:
            self._upstream.close()
        else:
            client.resume_reading()


async def _connect(path: str, protocol: _Upstream) -> asyncio.Transport:
    """Connect to a socket file, waiting while the server's queue of connections is full.

    Asyncio alone takes a full queue (EAGAIN, on such a socket) for a connection on its way.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        async with asyncio.timeout(_QUEUE_LIMIT_S):
            while not _connected(connection, path):
                await asyncio.sleep(_QUEUE_PAUSE_S)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_unix_connection(lambda: protocol, sock=connection)
    except BaseException:
        connection.close()
        raise
    return transport


def _connected(connection: socket.socket, path: str) -> bool:
    try:
        connection.connect(path)
    except BlockingIOError:
        return False
    return True


async def open_endpoint(
    listen: tuple[str, int], upstream: str, context: ssl.SSLContext
) -> asyncio.Server:
    """Listen; `upstream` is the path of the server's socket."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: Client(upstream), *listen, ssl=context, backlog=_BACKLOG
    )


async def serve(listen: tuple[str, int], upstream: str, context: ssl.SSLContext) -> None:
    """Serve until SIGTERM or SIGINT; open connections then end with the process."""
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    server = await open_endpoint(listen, upstream, context)
    await asked_to_stop.wait()
    server.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True, help="ADDRESS:PORT")
    parser.add_argument("--upstream", required=True, help="path of the server's socket")
    parser.add_argument("--certificate", required=True, type=Path)
    parser.add_argument("--key", required=True, type=Path)
    options = parser.parse_args()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.certificate, options.key)
    # Two descriptors a client; the soft limit is often 1024.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    host, _, port = options.listen.rpartition(":")
    asyncio.run(serve((host, int(port)), options.upstream, context))


if __name__ == "__main__":
    main()
