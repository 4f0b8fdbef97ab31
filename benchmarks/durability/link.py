"""A replication link that lags: our own relay between a primary and its replica.

It stands in for a lag of the primary itself, so what it holds back is lost with the primary; on a
real network, bytes that have left a machine arrive though it dies.
"""

import socket
import threading
import time
from contextlib import suppress
from queue import SimpleQueue

from chaos.relay import Relay

_CHUNK_BYTES = 65_536


class Link(Relay):
    """Passes everything on after `lag_s`, either way; drops what it holds once a side has ended."""

    lag_s = 0.0

    def _between(self, client: socket.socket, server: socket.socket) -> None:
        ended = threading.Event()
        ways = [
            threading.Thread(target=self._pass_on, args=(*way, ended), daemon=True)
            for way in ((server, client), (client, server))
        ]
        for each in (server, client):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for way in ways:
            way.start()
        ended.wait()
        for each in (server, client):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for way in ways:
            way.join()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, ended: threading.Event
    ) -> None:
        held: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        sender = threading.Thread(target=_send, args=(held, target, ended), daemon=True)
        sender.start()
        with suppress(OSError):
            while told := source.recv(_CHUNK_BYTES):
                held.put((time.monotonic() + self.lag_s, told))
        ended.set()
        held.put((0.0, b""))
        sender.join()


def _send(
    held: "SimpleQueue[tuple[float, bytes]]", target: socket.socket, ended: threading.Event
) -> None:
    while True:
        due, told = held.get()
        if not told or ended.wait(max(0.0, due - time.monotonic())):
            return
        try:
            target.sendall(told)
        except OSError:
            ended.set()
            return
