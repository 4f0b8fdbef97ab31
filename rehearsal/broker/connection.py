"""The broker as a client sees it: where it is, and whether it answers.

Spoken by hand: importing the redis client would cost the supervisor 0.3 s and 10 MiB.
"""

import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from rehearsal.broker.account import Account
from rehearsal.control_plane.ports import ADDRESS

_TIMEOUT_S = 2.0
_EXPECTED = ["+OK", "+PONG"]


@dataclass(frozen=True)
class Connection:
    """An address, an account, and the authority to trust."""

    port: int
    account: Account
    authority: Path

    def secret(self) -> dict[str, str]:
        """Give the keys of the published Secret."""
        return {
            "host": ADDRESS,
            "port": str(self.port),
            "username": self.account.username,
            "password": self.account.password,
            "ca.crt": self.authority.read_text(),
        }

    def problem(self) -> str | None:
        """PING over TLS with AUTH; None when it answers.

        Raises:
            OSError: no connection.

        """
        context = ssl.create_default_context(cafile=str(self.authority))
        with (
            socket.create_connection((ADDRESS, self.port), timeout=_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=ADDRESS) as secured,
        ):
            return _ping(secured, self.account)


def socket_problem(path: Path, account: Account) -> str | None:
    """PING with AUTH a server that listens on a socket file; None when it answers.

    Raises:
        OSError: no connection.

    """
    folder = os.open(path.parent, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(_TIMEOUT_S)
            # The whole path may exceed the 107 bytes that the address of a socket may have.
            plain.connect(f"/proc/self/fd/{folder}/{path.name}")
            return _ping(plain, account)
    finally:
        os.close(folder)


def _ping(connection: socket.socket, account: Account) -> str | None:
    commands = (f"AUTH {account.username} {account.password}", "PING")
    with connection.makefile("r", encoding="utf-8", newline="\r\n") as answers:
        connection.sendall("".join(f"{command}\r\n" for command in commands).encode())
        said = [answers.readline().rstrip("\r\n") for _ in commands]
    return None if said == _EXPECTED else f"answers {said} to AUTH and PING"
