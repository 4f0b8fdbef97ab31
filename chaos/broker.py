"""The broker of a run: a real server with AOF and a password, and TLS endpoints before it."""

import os
import shutil
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import redis

from chaos.processes import Group, Processes, wait_for
from rehearsal.broker.server import BrokerServer, find_server
from rehearsal.control_plane.certificates import Pair, ensure_authority
from rehearsal.control_plane.issuing import Subject

PASSWORD = "p/w:d"  # noqa: S105 - of a server that lives for one run
_START_S = 20.0


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def answers(client: "redis.Redis") -> bool:
    """Whether a server answers; the client is closed."""
    try:
        with client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@dataclass
class Server:
    """One server with AOF everysec, on a socket file and on a port of the loopback."""

    name: str
    processes: Processes
    program: BrokerServer = field(default_factory=lambda: find_server(os.environ["PATH"]))
    port: int = field(default_factory=free_port)
    _running: Group | None = None

    @property
    def folder(self) -> Path:
        return self.processes.folder / self.name

    @property
    def socket_file(self) -> Path:
        return self.folder / "s"

    def start(self) -> None:
        """Start it on what its folder holds, and wait until it has read all of that."""
        self.folder.mkdir(exist_ok=True)
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "unixsocket": str(self.socket_file),
            "requirepass": PASSWORD,
            "masterauth": PASSWORD,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "repl-diskless-sync-delay": "0",
        }
        arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
        self._running = self.processes.start(
            self.name, str(self.program.path), *arguments, env=os.environ
        )
        wait_for(lambda: answers(self.client()), _START_S, f"server {self.name} answers")

    def kill(self) -> None:
        """SIGKILL it; what it had written to its file stays."""
        if self._running is not None:
            self._running.kill()

    def forget(self) -> None:
        """Remove what it had written, while it does not run."""
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)

    def client(self, db: int = 0) -> "redis.Redis":
        """A client past the endpoints."""
        return redis.Redis(
            unix_socket_path=str(self.socket_file), password=PASSWORD, db=db, decode_responses=True
        )


@dataclass
class Endpoint:
    """A TLS endpoint before a server; workers that share one share its fate."""

    name: str
    upstream: Path
    """Socket file of the server."""
    pair: Pair
    processes: Processes
    port: int = field(default_factory=free_port)
    _running: Group | None = None

    def start(self) -> None:
        """Listen."""
        self._running = self.processes.start(
            f"endpoint-{self.name}",
            *(sys.executable, "-m", "rehearsal.broker.tls_endpoint"),
            *("--listen", f"127.0.0.1:{self.port}", "--upstream", str(self.upstream)),
            *("--certificate", str(self.pair.certificate), "--key", str(self.pair.key)),
            env=os.environ,
        )
        wait_for(self._listens, _START_S, f"endpoint {self.name} listens")

    def url(self, db: int = 0) -> str:
        """What a client is told."""
        secret = quote(PASSWORD, safe="")
        return f"rediss://default:{secret}@127.0.0.1:{self.port}/{db}?ssl_cert_reqs=required"

    def cut(self) -> None:
        """Let nothing through any more: connections stand, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def mend(self) -> None:
        """Let everything through again, what was under way first."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._running is not None:
            self._running.signal(number)

    def _listens(self) -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0


@dataclass
class Brokers:
    """Messages on one server, results on another."""

    processes: Processes
    messages: Server = field(init=False)
    results: Server = field(init=False)
    shared: Endpoint = field(init=False)
    """Of the producer, beat and most workers."""
    cuttable: Endpoint = field(init=False)
    """Of the one worker whose network is cut."""
    of_results: Endpoint = field(init=False)
    cuttable_results: Endpoint = field(init=False)
    """Likewise of that one worker."""

    def __post_init__(self) -> None:
        authority = ensure_authority(self._pair("ca"))
        leaf = self._pair("leaf")
        authority.ensure_leaf(leaf, Subject("broker", names=("127.0.0.1",)))
        self.messages = Server("messages", self.processes)
        self.results = Server("results", self.processes)
        self.shared = Endpoint("shared", self.messages.socket_file, leaf, self.processes)
        self.cuttable = Endpoint("cuttable", self.messages.socket_file, leaf, self.processes)
        results = self.results.socket_file
        self.of_results = Endpoint("results", results, leaf, self.processes)
        self.cuttable_results = Endpoint("cuttable-results", results, leaf, self.processes)

    @property
    def ca(self) -> Path:
        return self._pair("ca").certificate

    def start(self) -> None:
        """Start servers, then endpoints."""
        for server in (self.messages, self.results):
            server.start()
        for endpoint in (self.shared, self.cuttable, self.of_results, self.cuttable_results):
            endpoint.start()

    def _pair(self, name: str) -> Pair:
        folder = self.processes.folder
        return Pair(folder / f"{name}.crt", folder / f"{name}.key")
