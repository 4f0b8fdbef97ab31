"""Reads out of Go's and pip's output why a build failed, and says how to mend it."""

import re
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import RehearsalError

LAST_LINES = 8
"""Compilers state the error at the end; the log has the rest."""


@dataclass(frozen=True)
class Sign:
    """A kind of failure and the words by which Go, pip or the kernel tell it."""

    pattern: str
    why: str
    mend: str


# The first that matches is told: a full disk or a lost network makes other errors follow.
SIGNS = (
    Sign(
        r"no space left on device|ENOSPC|disk quota exceeded",
        "the disk is full",
        "free some space, or set CELERY_FLEET_CACHE to a folder on a larger disk; "
        "what is built is kept",
    ),
    Sign(
        r"checksum mismatch|SECURITY ERROR|DO NOT MATCH THE HASHES",
        "what was downloaded is not what the pinned checksum names",
        "the download is broken or was tampered with: check the proxy between here and the "
        "registry, then run the command again; never edit go.sum to make it pass",
    ),
    Sign(
        r"missing go\.sum entry|updates to go\.(mod|sum) needed",
        "go.mod and go.sum of the pinned module disagree",
        "restore the folder `rehearsal/toolchain/modules` from git",
    ),
    Sign(
        r"dial tcp|no such host|name resolution|network is unreachable|connection (refused|reset)"
        r"|i/o timeout|TLS handshake timeout|proxyconnect|NewConnectionError|ConnectTimeoutError"
        r"|unexpected EOF|\b50[234] [A-Z]\w+|module lookup disabled|x509: ",
        "the package registry cannot be reached, and the first build has to download sources",
        "connect to the network, or set GOPROXY (Go) and PIP_INDEX_URL (pip) to a mirror; "
        "the next run goes on from here",
    ),
    Sign(
        r"No matching distribution|Could not find a version|No solution found",
        "PyPI has no Go for this platform",
        "see whether PIP_INDEX_URL names a mirror that lacks it",
    ),
    Sign(
        r"signal: killed|cannot allocate memory|out of memory",
        "the kernel ended the compiler: the machine is short of memory",
        "close other programs or add swap (the largest link takes about 2 GiB), then run again",
    ),
)


def explain(what: str, output: str, log: Path | None) -> RehearsalError:
    """Return the error to show for a program's failed output."""
    for sign in SIGNS:
        if re.search(sign.pattern, output):
            line = _line_with(sign.pattern, output)
            return RehearsalError(what, f"{sign.why} ({line})", sign.mend, log)
    tail = "\n    ".join(output.strip().splitlines()[-LAST_LINES:]) or "it said nothing"
    mend = "read the log; if the sources are as in git, `make clean` and a new run start afresh"
    return RehearsalError(what, f"it ended with an error:\n    {tail}", mend, log)


def _line_with(pattern: str, output: str) -> str:
    line = next((line for line in output.splitlines() if re.search(pattern, line)), "")
    return line.strip()[:200]
