"""What can be known to be wrong before anything is started or changed."""

import errno
import shutil
import socket
import sys
from pathlib import Path

import psutil

from fleet import passphrase
from fleet.project import Project
from rehearsal.errors import RehearsalError

_PYTHON_MIN = (3, 11)
# etcd preallocates 64 MiB per log segment and keeps some; the rest is logs, volumes, backups.
_STATE_MIN_MIB = 1024
_MIB = 1024 * 1024
# In the pods' range, but given to no pod: a bind fails only under a wildcard listener.
_PROBE_ADDRESS = "127.127.255.254"


def check(project: Project) -> None:
    """Check machine and state, before the first file is written.

    Raises:
        RehearsalError: for the first thing that would make `fleet up` fail later.

    """
    check_python(sys.version_info[:2])
    check_disk(project.state, _STATE_MIN_MIB)
    passphrase.check(project)


def check_python(version: tuple[int, ...]) -> None:
    """Refuse an interpreter older than the project's."""
    if version < _PYTHON_MIN:
        have, need = (".".join(map(str, v)) for v in (version, _PYTHON_MIN))
        raise RehearsalError(
            what=f"Python {have} is too old",
            why=f"the project needs {need} or newer",
            mend=f"remove .venv, then: make up PYTHON=python{need}",
            where=sys.executable,
        )


def check_disk(folder: Path, min_mib: int) -> None:
    """Refuse to start where the state would not fit."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_mib = shutil.disk_usage(existing).free // _MIB
    if free_mib < min_mib:
        raise RehearsalError(
            what="the disk is nearly full",
            why=f"{free_mib} MiB are free; the cluster's and the broker's data need {min_mib} MiB",
            mend="free some space, or put the state elsewhere with CELERY_FLEET_STATE",
            where=existing,
        )


def check_port(port: int) -> None:
    """Refuse an API port that another program holds on every address.

    The fleet's own pods do not count: each listens on an address of its own.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((_PROBE_ADDRESS, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return
    raise RehearsalError(
        what=f"port {port} is taken",
        why=f"{_listener(port)} listens on it on every address; the HTTP API needs it",
        mend="end that program, or set celery-fleet:api to {port: <a free one>}",
        where=f"port {port}",
    )


def _listener(port: int) -> str:
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1] == port
        if listens and connection.pid is not None:
            return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another program"
