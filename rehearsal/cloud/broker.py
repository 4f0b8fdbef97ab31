"""The rehearsal's real broker, administered as ElastiCache would: users and parameters."""

import json
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from rehearsal.broker.account import Account
from rehearsal.broker.config import WITHHELD
from rehearsal.cloud.broker_nodes import FailoverError, Nodes

# What ElastiCache knows and the server does not: they steer the service around it.
SERVICE_ONLY = frozenset(
    {"cluster-enabled", "reserved-memory", "reserved-memory-percent", "close-on-replica-write"}
)
TIMEOUT_S = 3.0


class ServerRefusedError(Exception):
    """The real server does not take it."""


@dataclass(frozen=True)
class Operator:
    """Where the broker listens, and the account that may administer it."""

    host: str
    port: int
    authority: Path
    account: Path
    """JSON with `username` and `password`; made by the rehearsal."""

    def read(self) -> Account:
        return Account(**json.loads(self.account.read_text()))

    def connect(self) -> redis.Redis:
        account = self.read()
        return redis.Redis(
            host=self.host,
            port=self.port,
            ssl=True,
            ssl_ca_certs=str(self.authority),
            username=account.username,
            password=account.password,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            decode_responses=True,
        )


@dataclass
class Broker:
    """What ElastiCache does to its servers; nothing where there is none."""

    operator: Operator | None = None
    nodes: Nodes | None = None
    _parameters: dict[str, str] = field(default_factory=dict)
    _users: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def address(self) -> tuple[str, int] | None:
        return (self.operator.host, self.operator.port) if self.operator else None

    def check_parameters(self, parameters: Mapping[str, str]) -> None:
        """Refuse parameters that the server does not know."""
        if self.operator is None:
            return
        for name in parameters.keys() - SERVICE_ONLY:
            if not self._command("CONFIG", "GET", name):
                raise ServerRefusedError(f"The parameter {name} is not one of the server's")

    def set_parameters(self, parameters: Mapping[str, str]) -> None:
        if self.operator is None:
            return
        for name in sorted(parameters.keys() - SERVICE_ONLY):
            self._command("CONFIG", "SET", name, parameters[name])
        self._parameters |= parameters

    def set_users(
        self, users: Mapping[str, tuple[str, list[str]]], *, keep_passwords: bool = False
    ) -> None:
        """Set users by name: access string and passwords; none means that none is asked for."""
        if self.operator is None:
            return
        own = self.operator.read().username
        for name, (access, passwords) in users.items():
            if name == own:
                raise ServerRefusedError(f"The user name {name} is reserved")
            cleared = ["resetkeys", "resetchannels", "clearselectors", "-@all"]
            begun = cleared if keep_passwords else ["reset"]
            secrets = [f">{password}" for password in passwords] or ["nopass"]
            # ElastiCache gives no user these, whatever the access string says.
            withheld = [f"-{command}" for command in WITHHELD]
            rules = [*begun, *access.split(), *secrets, *withheld]
            self._command("ACL", "SETUSER", name, *rules)
            with self._lock:
                self._users.add(name)

    def drop_users(self, names: Collection[str]) -> None:
        """Take some users away; their connections end."""
        if self.operator is None:
            return
        with self._lock:
            known = self._users.intersection(names)
            self._users -= known
        for name in sorted(known):
            self._command("ACL", "DELUSER", name)

    def forget(self) -> None:
        """Take the users away again; their connections end."""
        with self._lock:
            users, self._users = self._users, set()
        for name in users - {"default"}:
            self._command("ACL", "DELUSER", name)
        if "default" in users:
            self._command("ACL", "SETUSER", "default", "reset", "off")

    def follow(self) -> None:
        """Let the server have a replica."""
        if self.operator is None or self.nodes is None:
            return
        with self.operator.connect() as client:
            self._try(lambda nodes: nodes.follow(client))

    def fail_over(self) -> None:
        """Lose the primary; users and parameters are those of the group on its successor too."""
        self._try(Nodes.fail_over)
        self.set_parameters(dict(self._parameters))

    def stop(self) -> None:
        """End what was started here."""
        if self.nodes is not None:
            self.nodes.stop()

    def _try(self, deed: Callable[[Nodes], None]) -> None:
        if self.nodes is None:
            return
        try:
            deed(self.nodes)
        except (FailoverError, redis.RedisError, OSError) as error:
            raise ServerRefusedError(f"the broker's nodes: {error}") from error

    def _command(self, *words: str) -> object:
        if self.operator is None:
            return None
        with self.operator.connect() as client:
            try:
                return client.execute_command(*words)
            except redis.ResponseError as error:
                told = str(error)
                for word in words:
                    if word.startswith(">"):
                        told = told.replace(word[1:], "[secret]")
                raise ServerRefusedError(told) from error
            except redis.RedisError as error:
                raise ServerRefusedError(f"the broker does not answer: {error}") from error


BROKER = Broker()
"""Of this process."""
