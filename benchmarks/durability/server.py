"""Real servers that are killed, and the messages that are on them."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from benchmarks.image.arms import QUEUE, until
from chaos.broker import answers, free_port
from rehearsal.broker.server import find_server


@dataclass
class Server:
    """One server on a port of the loopback, in a folder of its own."""

    folder: Path
    options: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it on what its folder holds, and wait until it has read all of that."""
        self.folder.mkdir(exist_ok=True)
        own = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self.folder), "save": ""}
        told = {**own, "maxmemory-policy": "noeviction", **self.options}
        words = [part for key, value in told.items() for part in (f"--{key}", *value.split(" "))]
        with (self.folder / "server.log").open("ab") as log:
            # The same one wherever it runs, whatever is on PATH.
            program = find_server(search_path="").path
            self.process = subprocess.Popen([program, *words], stdout=log, stderr=log)
        until(lambda: answers(self.client()), f"the server in {self.folder}")

    def kill(self) -> None:
        """SIGKILL it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def client(self) -> "redis.Redis":
        """A client that decodes."""
        return redis.Redis(port=self.port, decode_responses=True)

    def task_ids(self) -> set[str]:
        """Ids of the messages that wait on it."""
        with self.client() as client:
            return {json.loads(text)["headers"]["id"] for text in client.lrange(QUEUE, 0, -1)}


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    """Start servers; none outlives the block."""
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            server.kill()
