"""Keeps logs small and finds what `kubectl logs` asks for."""

import os
from collections.abc import Iterator
from pathlib import Path

from rehearsal.node_agent.pods.pod_folder import PodFolder, logs_of

# The kubelet's containerLogMaxSize.
LOG_MAX_BYTES = 10 * 1024 * 1024
_KEPT_BYTES = 1024 * 1024
_BLOCK_BYTES = 64 * 1024


def cut_large_logs(folder: PodFolder, max_bytes: int = LOG_MAX_BYTES) -> None:
    """Cut each log that has grown too large down to its end.

    The process goes on writing to the same file; what it writes during the cut may be lost.
    """
    for log in folder.path.glob("logs/*/*.log"):
        if log.stat().st_size > max_bytes:
            _keep_end(log, min(_KEPT_BYTES, max_bytes))


def find_log(pods: Path, namespace: str, pod: str, container: str, *, previous: bool) -> Path:
    """The log of a container's run, or of the run before it.

    `LookupError` tells, in words for the user, what is not there.
    """
    # A name holds no `_`, so the pattern cannot match another pod's folder.
    folders = sorted(pods.glob(f"{namespace}_{pod}_*"), key=lambda path: path.stat().st_mtime)
    if not folders:
        raise LookupError(f'pod "{pod}" does not run on this stand-in node')
    logs = logs_of(folders[-1] / "logs" / container)
    if len(logs) > previous:
        return logs[-1 - previous]
    if previous:
        raise LookupError(f'previous terminated container "{container}" in pod "{pod}" not found')
    raise LookupError(f'container "{container}" in pod "{pod}" is waiting to start')


def last_lines(log: Path, count: int | None) -> bytes:
    """The end of a log; all of it without a count."""
    if count is None:
        return log.read_bytes()
    if count <= 0:
        return b""
    found = b""
    for block in _blocks_from_end(log):
        found = block + found
        if found.rstrip(b"\n").count(b"\n") >= count:
            break
    return b"".join(found.splitlines(keepends=True)[-count:])


def _blocks_from_end(log: Path) -> Iterator[bytes]:
    with log.open("rb") as source:
        position = source.seek(0, os.SEEK_END)
        while position > 0:
            size = min(_BLOCK_BYTES, position)
            position = source.seek(position - size)
            yield source.read(size)


def _keep_end(log: Path, kept_bytes: int) -> None:
    with log.open("r+b") as file:
        file.seek(-kept_bytes, os.SEEK_END)
        end = file.read()
        file.truncate(0)
    with log.open("ab") as file:
        file.write(end[end.find(b"\n") + 1 :])
