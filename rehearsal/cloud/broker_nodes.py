"""A second server that follows the first, and takes its place: a replication group of two nodes."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from rehearsal.broker.account import Account
from rehearsal.broker.config import SOCKET, render_replica
from rehearsal.control_plane.files import write_atomically
from rehearsal.control_plane.ports import ADDRESS
from rehearsal.supervisor.port_choice import free_ports

# ElastiCache speaks of a minute at most, without a figure (its guide, "Minimizing downtime").
OUTAGE_S = 8.0
"""From the loss of the primary until the endpoint leads to its successor."""
_LIMIT_S = 20.0
_TIMEOUT_S = 3.0
_POLL_S = 0.02
_PAUSE_MS = 10_000
_STRAGGLER_S = 0.3
_CLIENTS = ("normal", "pubsub")
_SOCKETS = ("node-1.sock", "node-2.sock")


class FailoverError(Exception):
    """A node does not do what a failover needs of it."""


@dataclass(frozen=True)
class Node:
    """A server: its socket in the broker's folder, and the loopback port that its replica uses."""

    socket: str
    port: int

    def connect(self, account: Account) -> redis.Redis:
        return redis.Redis(
            host=ADDRESS,
            port=self.port,
            username=account.username,
            password=account.password,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            decode_responses=True,
        )


@dataclass
class Nodes:
    """Two servers behind one endpoint, which leads to whatever `broker.sock` is."""

    program: Path
    folder: Path
    """Where the first server works."""
    account: Account
    """Who may do everything on both."""
    outage_s: float = OUTAGE_S
    primary: Node | None = None
    replica: Node | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def follow(self, first: redis.Redis) -> None:
        """Start the second server, a replica of the first; once.

        Raises:
            FailoverError: it does not follow.

        """
        if self._process is not None:
            return
        ports = free_ports(2)
        first.config_set("bind", ADDRESS)
        first.config_set("port", ports[0])
        # The endpoint's name is going to lead elsewhere.
        (self.folder / _SOCKETS[0]).unlink(missing_ok=True)
        os.link(self.folder / SOCKET, self.folder / _SOCKETS[0])
        self.primary, self.replica = map(Node, _SOCKETS, ports)
        config = self.folder / "replica.conf"
        text = render_replica(self.replica.socket, ports[1], ports[0], self.account)
        write_atomically(config, text + f"maxmemory {first.config_get('maxmemory')['maxmemory']}\n")
        with (self.folder / "replica.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, config], cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )
        _wait(self._is_following, "the second server follows the first")

    def fail_over(self) -> None:
        """Lose the primary, and let the replica take over all that the primary had.

        Clients are cut off, and nobody answers them for `outage_s`. The former primary then
        follows its successor. Nothing is lost, as in a planned failover: writes wait meanwhile.

        Raises:
            FailoverError: the replica does not catch up.

        """
        if self.primary is None or self.replica is None:
            raise FailoverError("the group has no replica")
        old, new = self.primary, self.replica
        with old.connect(self.account) as former, new.connect(self.account) as next_one:
            _copy_users(former, next_one, self.account.username)
            _run(former, "CLIENT", "PAUSE", _PAUSE_MS, "WRITE")
            _wait(lambda: _offset(former) == _offset(next_one), "the replica has every write")
            _run(next_one, "REPLICAOF", "NO", "ONE")
            (self.folder / SOCKET).unlink()
            _cut(former)
            former.config_set("masteruser", self.account.username)
            former.config_set("masterauth", self.account.password)
            _run(former, "REPLICAOF", ADDRESS, new.port)
            _run(former, "CLIENT", "UNPAUSE")
            time.sleep(_STRAGGLER_S)
            # Those who were connecting meanwhile.
            _cut(former)
        time.sleep(max(0.0, self.outage_s - _STRAGGLER_S))
        (self.folder / SOCKET).symlink_to(new.socket)
        self.primary, self.replica = new, old

    def stop(self) -> None:
        """End the second server, whatever it is by now."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _is_following(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise FailoverError(f"the second server ended; see {self.folder / 'replica.log'}")
        if self.replica is None:
            return False
        try:
            with self.replica.connect(self.account) as client:
                return bool(_replication(client).get("master_link_status") == "up")
        except redis.RedisError:
            return False


def _run(client: redis.Redis, *words: str | int) -> None:
    client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped


def _replication(client: redis.Redis) -> Mapping[str, object]:
    found: Mapping[str, object] = client.info("replication")
    return found


def _offset(client: redis.Redis) -> object:
    told = _replication(client)
    return told.get("slave_repl_offset", told["master_repl_offset"])


def _copy_users(source: redis.Redis, target: redis.Redis, own: str) -> None:
    """Servers do not replicate users; ElastiCache keeps them alike on all nodes."""
    for line in source.acl_list():
        _, name, *rules = str(line).split()
        if name != own:
            _run(target, "ACL", "SETUSER", name, "reset", *rules)


def _cut(client: redis.Redis) -> None:
    for kind in _CLIENTS:
        _run(client, "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


def _wait(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise FailoverError(f"not within {_LIMIT_S:.0f} s: {what}")
        time.sleep(_POLL_S)
