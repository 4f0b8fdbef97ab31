"""The broker, with TLS of its own or behind the stand-in: the same promises hold."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry

from rehearsal.broker.account import Account, ensure_account
from rehearsal.broker.connection import Connection
from rehearsal.broker.programs import Broker
from rehearsal.broker.server import BrokerServer, find_server
from rehearsal.control_plane.credentials import ensure_credentials
from rehearsal.control_plane.files import make_folder
from rehearsal.layout import Layout
from rehearsal.supervisor.port_choice import choose_ports
from rehearsal.supervisor.spawning import spawn
from tests.rehearsal.stage import eventually

pytestmark = pytest.mark.rehearsal

PACKAGED = find_server(search_path="")
ON_PATH = find_server(os.environ["PATH"])
SERVERS = {str(server): server for server in (PACKAGED, ON_PATH)}
MIB = 1024 * 1024


@dataclass
class RunningBroker:
    """A broker without a supervisor."""

    broker: Broker
    connection: Connection
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        self.broker.write_files()
        logs = self.broker.credentials.layout.logs
        make_folder(logs)
        for program in self.broker.programs():
            self.running.append(spawn(program, logs / f"{program.name}.log"))
        eventually(self.answers, "answer")

    def answers(self) -> bool:
        try:
            return self.connection.problem() is None
        except OSError:
            return False

    def kill(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        self.running.clear()

    def client(self, account: Account | None = None) -> redis.Redis:
        chosen = account or self.connection.account
        return redis.Redis(
            host="127.0.0.1",
            port=self.connection.port,
            username=chosen.username,
            password=chosen.password or None,
            ssl=True,
            ssl_ca_certs=str(self.connection.authority),
            socket_timeout=20,
            retry=Retry(NoBackoff(), retries=0),
        )


@pytest.fixture(params=list(SERVERS.values()), ids=list(SERVERS))
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningBroker]:
    # A path that is too long for the address of a socket.
    made = new_broker(tmp_path / ("long" * 30), request.param)
    made.start()
    yield made
    made.kill()


def new_broker(root: Path, server: BrokerServer) -> RunningBroker:
    layout = Layout(root)
    ports = choose_ports({}, held=())
    credentials = ensure_credentials(layout, ports)
    account = ensure_account(layout.broker / "account.json")
    connection = Connection(ports.broker, account, credentials.authority.certificate)
    return RunningBroker(Broker(server, credentials, ports, account, maxmemory_mib=32), connection)


def test_the_named_user_works_with_lists_and_hashes(broker: RunningBroker) -> None:
    with broker.client() as client:
        client.rpush("queue", "a", "b")
        client.hset("unacked", "tag", "c")

        assert client.llen("queue") == 2
        assert client.hlen("unacked") == 1
        assert client.acl_whoami() == "fleet"


@pytest.mark.parametrize(
    "account", [Account("fleet", "wrong"), Account("default", ""), Account("other", "x")]
)
def test_anyone_else_is_turned_away(broker: RunningBroker, account: Account) -> None:
    with broker.client(account) as client, pytest.raises(redis.RedisError):
        client.ping()


def test_without_tls_there_is_no_answer(broker: RunningBroker) -> None:
    with socket.create_connection(("127.0.0.1", broker.connection.port), timeout=5) as plain:
        plain.sendall(b"PING\r\n")

        assert b"PONG" not in heard(plain)


def heard(plain: socket.socket) -> bytes:
    try:
        return plain.recv(100)
    except ConnectionResetError:
        return b""


def test_the_password_is_in_no_command_line_and_no_readable_file(broker: RunningBroker) -> None:
    password = broker.connection.account.password
    for process in broker.running:
        assert password not in " ".join(psutil.Process(process.pid).cmdline())
    root = broker.broker.credentials.layout.root
    holders = [path for path in root.rglob("*") if path.is_file() and holds(path, password)]

    assert [path.name for path in holders] == ["account.json"]
    assert holders[0].stat().st_mode & 0o077 == 0


def holds(path: Path, text: str) -> bool:
    return text.encode() in path.read_bytes()


def test_what_was_sent_a_second_ago_survives_kill_9(broker: RunningBroker) -> None:
    with broker.client() as client:
        client.rpush("queue", "kept")
    time.sleep(1.5)

    broker.kill()
    broker.start()

    with broker.client() as client:
        assert client.lrange("queue", 0, -1) == [b"kept"]


def test_a_full_broker_refuses_instead_of_evicting(broker: RunningBroker) -> None:
    with broker.client() as client:
        client.set("old", "x")
        with pytest.raises(redis.OutOfMemoryError):
            fill(client)

        assert client.get("old") == b"x"


def fill(client: redis.Redis) -> None:
    for number in range(64):
        client.set(f"filler{number}", b"x" * MIB)


def test_an_operators_commands_are_withheld(broker: RunningBroker) -> None:
    with broker.client() as client, pytest.raises(NoPermissionError):
        client.config_get("maxmemory")


def test_fifty_waiting_clients_are_served(broker: RunningBroker) -> None:
    got: list[bytes] = []

    def take() -> None:
        with broker.client() as client:
            answer = client.blpop(["queue"], timeout=20)
            got.append(answer[1])

    takers = [threading.Thread(target=take) for _ in range(50)]
    for taker in takers:
        taker.start()
    with broker.client() as client:
        client.rpush("queue", *range(50))
    for taker in takers:
        taker.join()

    assert sorted(map(int, got)) == list(range(50))
