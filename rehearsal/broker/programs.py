"""The broker's programs and the files they read: one with TLS, or two without."""

import sys
from dataclasses import dataclass
from pathlib import Path

from rehearsal.broker.account import Account
from rehearsal.broker.config import (
    SOCKET,
    render_access_list,
    render_config,
    render_socket_listener,
    render_tls_listener,
)
from rehearsal.broker.server import BrokerServer
from rehearsal.control_plane.credentials import Credentials
from rehearsal.control_plane.files import make_folder, write_if_changed
from rehearsal.control_plane.ports import ADDRESS, Ports
from rehearsal.control_plane.program import Program

# An append-only file is flushed at the end; a queue of some hundred MiB takes a while.
_STOP_GRACE_S = 5.0


@dataclass(frozen=True)
class Broker:
    """Writes what the server reads and renders the command lines."""

    server: BrokerServer
    credentials: Credentials
    ports: Ports
    account: Account
    maxmemory_mib: int
    operator: Account | None = None
    """Who administers it, for AWS's stand-in."""

    @property
    def _folder(self) -> Path:
        return self.credentials.layout.broker

    @property
    def _data(self) -> Path:
        return self._folder / self.server.data_name

    @property
    def _config_file(self) -> Path:
        return self._folder / "server.conf"

    @property
    def _access_list(self) -> Path:
        return self._folder / "users.acl"

    @property
    def socket_file(self) -> Path:
        """Where a server without TLS listens."""
        return self._data / SOCKET

    def displaced(self) -> list[str]:
        """Name the servers that kept messages here before this one came, if it is new."""
        if self._data.exists() or not self._folder.exists():
            return []
        return sorted(path.name for path in self._folder.iterdir() if path.is_dir())

    def write_files(self) -> None:
        """Write configuration and access list.

        Raises:
            RehearsalError: the state folder cannot be written.

        """
        make_folder(self._data)
        write_if_changed(self._access_list, render_access_list(self.account, self.operator))
        write_if_changed(self._config_file, self._config())

    def programs(self) -> list[Program]:
        """Give the server, then the TLS endpoint stand-in where the server speaks no TLS."""
        server = Program(
            name="broker",
            argv=(str(self.server.path), str(self._config_file)),
            cwd=self._data,
            reads=(self._config_file, self._access_list),
            stop_grace_s=_STOP_GRACE_S,
        )
        return [server] if self.server.tls else [server, self._tls_endpoint()]

    def _config(self) -> str:
        listener = render_socket_listener()
        if self.server.tls:
            pair = self.credentials.pair("broker")
            authority = self.credentials.authority.certificate
            listener = render_tls_listener(self.ports.broker, pair, authority)
        return render_config(self._data, self._access_list, self.maxmemory_mib) + listener

    def _tls_endpoint(self) -> Program:
        pair = self.credentials.pair("broker")
        options = {
            "listen": f"{ADDRESS}:{self.ports.broker}",
            "upstream": SOCKET,
            "certificate": str(pair.certificate),
            "key": str(pair.key),
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        return Program(
            name="broker-tls",
            argv=(sys.executable, "-m", "rehearsal.broker.tls_endpoint", *arguments),
            cwd=self._data,
            reads=(pair.certificate,),
        )
