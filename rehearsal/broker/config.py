"""Renders the server's configuration and access list: what ElastiCache would set."""

from pathlib import Path

from rehearsal.broker.account import Account
from rehearsal.control_plane.certificates import Pair
from rehearsal.control_plane.ports import ADDRESS

SOCKET = "broker.sock"
"""Relative to the data folder: a whole path may exceed the 107 bytes a socket's may have."""

# What ElastiCache withholds from its users ("Supported and restricted commands", 2026-11).
WITHHELD = (
    "acl",
    "bgrewriteaof",
    "bgsave",
    "config",
    "debug",
    "migrate",
    "psync",
    "replicaof",
    "save",
    "shutdown",
    "slaveof",
    "sync",
)


def render_access_list(account: Account, operator: Account | None = None) -> str:
    """One user who may do what ElastiCache's may; everyone else is turned away.

    The operator may do everything: AWS's stand-in administers the server with it.
    """
    commands = " ".join(("+@all", *(f"-{name}" for name in WITHHELD), "+acl|whoami"))
    return f"user default off nopass nocommands\nuser {_user(account, commands)}\n" + (
        f"user {_user(operator, '+@all')}\n" if operator else ""
    )


def render_config(data: Path, access_list: Path, maxmemory_mib: int) -> str:
    """Settings that hold with and without TLS; `data` is the server's own folder."""
    return _lines(
        {
            "dir": _quoted(data),
            "aclfile": _quoted(access_list),
            "daemonize": "no",
            "protected-mode": "yes",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            # A broker that evicts loses tasks.
            "maxmemory": f"{maxmemory_mib}mb",
            "maxmemory-policy": "noeviction",
            # As ElastiCache's default parameter groups have it; seconds.
            "tcp-keepalive": "300",
            "timeout": "0",
        }
    )


def render_tls_listener(port: int, pair: Pair, authority: Path) -> str:
    """Listen with TLS only; clients prove themselves by AUTH."""
    return _lines(
        {
            "bind": ADDRESS,
            "port": "0",
            "tls-port": str(port),
            "tls-cert-file": _quoted(pair.certificate),
            "tls-key-file": _quoted(pair.key),
            "tls-ca-cert-file": _quoted(authority),
            "tls-auth-clients": "no",
        }
    )


def render_socket_listener() -> str:
    """Listen on a socket that the TLS endpoint alone connects to."""
    return _lines({"port": "0", "unixsocket": SOCKET, "unixsocketperm": "700"})


def render_replica(socket: str, port: int, primary_port: int, operator: Account) -> str:
    """A second server beside the first, in the same folder, that follows it as the operator.

    Without append-only file: ElastiCache gives none to groups with failover. Users are not
    replicated by the servers; all but the operator are set later.
    """
    users = f"user default off nopass nocommands\nuser {_user(operator, '+@all')}\n"
    return users + _lines(
        {
            "bind": ADDRESS,
            "port": str(port),
            "unixsocket": socket,
            "unixsocketperm": "700",
            "replicaof": f"{ADDRESS} {primary_port}",
            "masteruser": operator.username,
            "masterauth": operator.password,
            "dbfilename": "replica.rdb",
            "appendonly": "no",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "tcp-keepalive": "300",
            "timeout": "0",
        }
    )


def _user(account: Account, commands: str) -> str:
    return f"{account.username} on #{account.password_sha256} ~* &* {commands}"


def _lines(settings: dict[str, str]) -> str:
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
