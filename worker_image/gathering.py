"""Ends of tasks, told by a thread of the process that ran them: at once, or with those that follow.

What an end costs its task is then an entry in a list, not a wait for Redis. A process that is
killed outright takes up to a quarter second of figures with it; one that ends tells them first.
"""

import logging
import os
import time
from collections.abc import Callable
from threading import Event, Lock, Thread

from celery import signals

from worker_image.stats import TaskEnd

EVERY_S = 0.25

logger = logging.getLogger(__name__)


class Gathering:
    """The ends of one process's tasks; a forked child begins with none, and tells its own."""

    def __init__(self, *sinks: Callable[..., None], every_s: float = EVERY_S) -> None:
        """Tell each sink, with an argument for each end, at most every so many seconds."""
        self._sinks = sinks
        self._every_s = every_s
        self._told = False
        self._begin()

    def add(self, end: TaskEnd) -> None:
        """Keep an end for the next time."""
        self._begin_in_child()
        self._ends.append(end)
        if not self._some.is_set():
            self._some.set()
        if not self._told:
            # No thread outlives a fork, so each process has its own, from its first task on.
            self._told = True
            Thread(target=self._tell_for_ever, name="task ends", daemon=True).start()

    def flush(self, **_: object) -> None:
        """Tell what is left; waits for what is just being told."""
        self._begin_in_child()
        with self._telling:
            count = len(self._ends)
            ends, self._ends[:count] = self._ends[:count], []
            for sink in self._sinks if ends else ():
                try:
                    sink(*ends)
                except Exception:
                    logger.exception("%d ends of tasks not told to %r", len(ends), sink)

    def connect(self) -> None:
        """Tell the rest when a pool's process, or the worker, ends."""
        signals.worker_process_shutdown.connect(self.flush, weak=False)
        signals.worker_shutdown.connect(self.flush, weak=False)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._ends: list[TaskEnd] = []
        self._some, self._telling = Event(), Lock()
        self._told = False

    def _begin_in_child(self) -> None:
        """Leave the parent's ends to the parent, and its lock, which nobody here would release."""
        if os.getpid() != self._pid:
            self._begin()

    def _tell_for_ever(self) -> None:
        some = self._some
        while True:
            some.wait()
            some.clear()
            self.flush()
            time.sleep(self._every_s)
