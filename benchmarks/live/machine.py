"""How busy the machine is while a run goes on, and with whose work."""

import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from benchmarks.live.record import Disturbance

_PRESSURE = Path("/proc/pressure/cpu")


class Watch:
    """Begins when it is made; `so_far` tells what happened since.

    `roots` are the process ids whose descendants' work is the benchmark's own.
    """

    def __init__(self, roots: Iterable[int]) -> None:
        self._roots = tuple(roots)
        self._began_s = time.monotonic()
        self._times = psutil.cpu_times()
        self._own_s = _cpu_s(self._roots)
        self._waited_s = _waited_s()

    def so_far(self) -> Disturbance:
        """Return shares since the beginning."""
        then, now = self._times, psutil.cpu_times()
        total = max(1e-6, sum(now) - sum(then))
        busy = total - (now.idle + now.iowait - then.idle - then.iowait)
        own = _cpu_s(self._roots) - self._own_s
        elapsed_s = max(1e-6, time.monotonic() - self._began_s)
        return Disturbance(
            cpu_busy=round(busy / total, 3),
            cpu_steal=round((now.steal - then.steal) / total, 4),
            cpu_foreign=round(max(0.0, busy - own) / total, 3),
            cpu_pressure=round((_waited_s() - self._waited_s) / elapsed_s, 3),
            load_1min=round(os.getloadavg()[0], 2),
        )


def _cpu_s(roots: Iterable[int]) -> float:
    """CPU seconds of these processes and their descendants, those that have ended included."""
    used = 0.0
    for process in _family(roots):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system + times.children_user + times.children_system
    return used


def _family(roots: Iterable[int]) -> set[psutil.Process]:
    found: set[psutil.Process] = set()
    for pid in roots:
        try:
            root = psutil.Process(pid)
            found |= {root, *root.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    return found


def _waited_s() -> float:
    """Seconds in which something waited for a core; 0 on a kernel that does not tell."""
    try:
        found = re.search(r"some .*total=(\d+)", _PRESSURE.read_text())
    except OSError:
        return 0.0
    return int(found.group(1)) / 1e6 if found else 0.0
