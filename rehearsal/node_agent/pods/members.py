"""Finds and ends what is left of a container once its main process is gone.

A real container's processes die with its PID 1. Here they are known by their session and by a
variable that they inherit; a process would have to drop both to get away.
"""

import asyncio
import ctypes
import logging
import os
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path

import psutil

from rehearsal.node_agent.pods.process import awaited_children
from rehearsal.node_agent.rules.launch import MARK

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_ROUNDS = 50
_PAUSE_S = 0.02

_log = logging.getLogger(__name__)


def become_subreaper() -> None:
    """Take in orphaned descendants, so that they can be reaped where PID 1 reaps nothing."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


async def end_members(session: int, mark: str) -> None:
    """SIGKILL everything of one container; returns when nothing of it runs."""
    entry = f"{MARK}={mark}\0".encode()
    await _end_all(lambda pid: _session_of(pid) == session or entry in _environment_of(pid))


async def end_session(session: int) -> None:
    """SIGKILL a command and what it started; it may belong to a container that goes on."""
    await _end_all(lambda pid: _session_of(pid) == session)


async def end_strangers(pods: Path, kept: Container[str]) -> None:
    """SIGKILL what an earlier agent started below `pods` for pods whose folders are not `kept`.

    `kept` is asked for each process, so it may grow meanwhile.
    """
    start = f"\0{MARK}={pods}/".encode()

    def is_stranger(pid: int) -> bool:
        _, marked, rest = (b"\0" + _environment_of(pid)).partition(start)
        return bool(marked) and rest.partition(b"/")[0].decode() not in kept

    await _end_all(is_stranger)


def reap_orphans() -> None:
    """Collect descendants that ended after their parent, which made them the agent's children."""
    for child in psutil.Process().children():
        with suppress(psutil.Error, ChildProcessError):
            if child.pid not in awaited_children() and child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)


async def _end_all(belongs: Callable[[int], bool]) -> None:
    for _ in range(_ROUNDS):
        # A process may fork while it is looked for: until a round finds none.
        found = [pid for pid in psutil.pids() if belongs(pid) and _is_alive(pid)]
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, 9)
        await asyncio.sleep(_PAUSE_S)
        reap_orphans()
    _log.warning("processes outlived SIGKILL: %s", found)


def _is_alive(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    return False


def _session_of(pid: int) -> int:
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return -1


def _environment_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""
