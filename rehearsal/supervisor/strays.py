"""Finds processes of a stage that no record names, by what they run and where."""

from collections.abc import Iterable
from pathlib import Path

import psutil

from rehearsal.layout import Layout
from rehearsal.supervisor.identity import Identity, identify

_PROGRAMS = frozenset(
    {
        "etcd",
        "keda-adapter",
        "keda-operator",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "redis-server",
        "valkey-server",
    }
)
_MODULES = frozenset({"rehearsal.broker.tls_endpoint", "rehearsal.node_agent"})


def find_strays(layout: Layout, known: Iterable[Identity]) -> list[Identity]:
    """List living processes of this state folder's stage that are not `known`.

    A process counts when it is one of our programs and names the folder in its arguments,
    or works below it (redis rewrites its arguments).
    """
    skipped = {identity.pid for identity in known}
    found = []
    for process in psutil.process_iter():
        if process.pid not in skipped and _belongs(process, layout.root):
            identity = identify(process.pid)
            if identity is not None and identity.alive:
                found.append(identity)
    return found


def _belongs(process: psutil.Process, root: Path) -> bool:
    try:
        arguments = process.cmdline()
        # Debian's redis-server is a link to redis-check-rdb: both names may tell.
        programs = {Path(process.exe()).name, process.name()}
        folder = Path(process.cwd())
    except (psutil.Error, OSError):
        # Another user's, or gone meanwhile.
        return False
    ours = not _PROGRAMS.isdisjoint(programs) or not _MODULES.isdisjoint(arguments)
    return ours and (folder.is_relative_to(root) or _names(arguments, root))


def _names(arguments: list[str], root: Path) -> bool:
    values = (argument.rpartition("=")[2] for argument in arguments)
    return any(Path(value).is_relative_to(root) for value in values if value.startswith("/"))
