"""A real server with a user for each workload of the fleet."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from infra.manifests.aws import access_strings
from rehearsal.broker.server import find_server
from tests.rehearsal.command_table import allowed
from tests.rehearsal.stage import eventually

PREFIX = "fleet:"
QUEUES = {"default": False, "labeling": True}
KEY = f"{PREFIX}labeling"


@contextmanager
def serving(folder: Path) -> "Iterator[redis.Redis]":
    """A server with a user for each workload, and a client that may do everything."""
    program = find_server(os.environ["PATH"]).path
    socket = folder / "s"
    settings = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([str(program), *settings], stdout=subprocess.DEVNULL)
    client = redis.Redis(unix_socket_path=str(socket), decode_responses=True)
    eventually(socket.exists, "listen")
    users = access_strings.workloads(PREFIX, QUEUES)
    for user, access in (*users.items(), ("nobody", access_strings.DISABLED)):
        client.execute_command("ACL", "SETUSER", user, ">p", *access.split())
    yield client
    client.close()
    process.kill()
    process.wait()


def may(server: redis.Redis, user: str, told: tuple[str, ...]) -> list[str]:
    """Which of these a user may do."""
    return [command for command in told if allowed(server, user, *command.split())]


def as_user(server: redis.Redis, user: str) -> redis.Redis:
    path = server.connection_pool.connection_kwargs["path"]
    return redis.Redis(unix_socket_path=path, username=user, password="p", decode_responses=True)
