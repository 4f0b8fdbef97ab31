"""Locks that Pulumi's file backend keeps per stack, and the processes that hold them."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import psutil

from fleet.project import PROJECT_NAME, Project

# Pulumi finishes what it has begun; a Kubernetes object takes seconds.
_FINISH_S = 20.0


def files(project: Project, stack: str) -> list[Path]:
    """Lock files of a stack, of dead processes too."""
    # `organization` is the file backend's only one.
    folder = project.backend / ".pulumi" / "locks" / "organization" / PROJECT_NAME / stack
    return sorted(folder.glob("*.json"))


def holders(project: Project, stack: str) -> list[int]:
    """Process ids of the pulumi commands that hold a stack and are alive."""
    found = [_holder(path) for path in files(project, stack)]
    return [pid for pid in found if pid is not None]


def end_holders(project: Project, report: Callable[[str], None]) -> None:
    """End every pulumi at work on this project's stacks: SIGINT, 20 s to finish, SIGKILL."""
    pids = [pid for stack in project.deployed_stacks() for pid in holders(project, stack)]
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    for process in processes:
        report(f"ending pulumi (pid {process.pid}), which is at work on a stack")
        process.send_signal(signal.SIGINT)
    _, left = psutil.wait_procs(processes, timeout=_FINISH_S)
    for process in left:
        report(f"pulumi (pid {process.pid}) does not end by itself: killing it")
        process.kill()
    psutil.wait_procs(left, timeout=_FINISH_S)


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is a pulumi."""
    try:
        return psutil.Process(pid).name().startswith("pulumi")
    except psutil.NoSuchProcess:
        return False


def _holder(lock: Path) -> int | None:
    """Return the live pulumi process that wrote a lock; a reused pid is not one."""
    try:
        pid = int(json.loads(lock.read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return None
    return pid if is_alive(pid) else None
