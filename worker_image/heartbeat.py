"""A file that is as fresh as the process's own loop is alive; probes look at its age.

Prefork and threads workers touch it from the event loop. A solo worker runs tasks in that loop, so
its file ages while a task runs; give it no liveness probe shorter than its tasks.
"""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

from celery import signals
from kombu.asynchronous.timer import Timer

from worker_image.settings import current

INTERVAL_S = 5

logger = logging.getLogger(__name__)


class Heartbeat:
    """The heartbeat of one process; without a file it does nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._started = False

    def start(self, timer: Timer) -> None:
        """Beat now, and every few seconds from the loop that runs the timer."""
        self._started = True
        self.beat()
        timer.call_repeatedly(INTERVAL_S, self.beat)

    def beat(self) -> None:
        """Touch the file; a full or missing disk is logged, and the probe draws the conclusion."""
        if self._file is None:
            return
        try:
            self._file.touch()
        except OSError as error:
            logger.warning("heartbeat not written: %s", error)

    def beat_on(self) -> None:
        """Beat if the worker was ready once; for loops that stand in for the event loop."""
        if self._started:
            self.beat()

    def stop(self) -> None:
        """Remove the file, which a restarted container would find in the pod's volume."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def of_this_process() -> Heartbeat:
    """Return the heartbeat at FLEET_HEARTBEAT_FILE."""
    return Heartbeat(current().environment.heartbeat_file)


def connect(heartbeat: Heartbeat) -> None:
    """Beat from the moment a worker consumes until it has drained."""

    def clear(**_: object) -> None:
        heartbeat.stop()

    def start(sender: Any, **_: object) -> None:  # noqa: ANN401 - Celery's Consumer
        heartbeat.start(sender.timer)

    signals.celeryd_init.connect(clear, weak=False)
    signals.worker_ready.connect(start, weak=False)
    signals.worker_shutdown.connect(clear, weak=False)
