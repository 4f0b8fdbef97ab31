"""Starts one program: its own session, its own log, nothing inherited by accident."""

import hashlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from rehearsal.control_plane.program import Program
from rehearsal.errors import RehearsalError

_ROTATE_AT_BYTES = 16 * 1024 * 1024

# What a program may know of the shell that ran the command: no secret passes.
_INHERITED = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "PYTHONPATH"}
)


def inherited_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Keep what every program needs, drop the rest."""
    return {
        name: value
        for name, value in environment.items()
        if name in _INHERITED or name.startswith("LC_")
    }


def spawn(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Start the program; its output is appended to `log`.

    Raises:
        RehearsalError: the program cannot be run at all, or the log not be written.

    """
    try:
        for path in program.leaves:
            path.unlink(missing_ok=True)
        with open_log(log) as output:
            return subprocess.Popen(
                program.argv,
                env={**inherited_environment(os.environ), **program.env},
                cwd=program.cwd or log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal and the end of that terminal pass it by.
                start_new_session=True,
            )
    except OSError as error:
        raise RehearsalError(
            what=f"{program.name} cannot be started.",
            why=f"{error.strerror}: {error.filename or program.argv[0]}",
            mend="check that the file exists and may be run, or build the tools again",
            where=log,
        ) from error


def fingerprint(program: Program) -> str:
    """Change whenever a running process would have to start anew to be up to date."""
    digest = hashlib.sha256()
    for part in (*program.argv, *(f"{k}={v}" for k, v in sorted(program.env.items()))):
        digest.update(part.encode() + b"\0")
    for path in program.reads:
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def describe_exit(code: int | None) -> str:
    """Say how a process ended, from `Popen.returncode`; None where it was not our child."""
    if code is None:
        return "its exit code is unknown: it was started by an earlier supervisor"
    if code < 0:
        return f"killed by signal {-code}, {signal.Signals(-code).name}"
    return f"exit code {code}"


def open_log(log: Path) -> IO[bytes]:
    """Open a log for appending, its owner's only; an overlong one is put aside first.

    Raises:
        OSError: it cannot be written.

    """
    if log.exists() and log.stat().st_size > _ROTATE_AT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
