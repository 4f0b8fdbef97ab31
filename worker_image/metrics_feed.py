"""Brings what pool processes measure to the main process, which answers Prometheus.

Pool processes come and go; what they counted must not go with them. Each writes a line for each
task into one pipe, soon after it ended, and the main process alone counts. Without
FLEET_METRICS_PORT nothing of this is imported, opened or written.
"""

import fcntl
import json
import logging
import os
import select
from collections.abc import Iterable, Iterator
from threading import Thread
from typing import TYPE_CHECKING, Any

from celery import signals

from worker_image.settings import Settings
from worker_image.stats import TaskEnd

if TYPE_CHECKING:
    from worker_image.metrics import TaskMetrics

# Room for 4000 lines while the main process is busy; a pipe's default is a sixteenth of it.
_PIPE_BYTES = 1024 * 1024

logger = logging.getLogger(__name__)


class Feed:
    """One worker's measurements; in the processes that it forks it writes, in itself it counts."""

    def __init__(self) -> None:
        self.metrics: TaskMetrics | None = None
        self._counts_in: int | None = None
        self._reads, self._writes = -1, -1
        self._rest = b""
        self._lost = False

    def open(self) -> None:
        """Count here, in this process, from now on; before the pool's processes are forked."""
        from worker_image.metrics import TaskMetrics  # noqa: PLC0415 - only where it is asked for

        self.metrics, self._counts_in = TaskMetrics(), os.getpid()
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._writes, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(self._writes, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def listen(self) -> None:
        """Read what the pool's processes write, in a thread of its own."""

        def take_for_ever() -> None:
            while True:
                self.take()

        Thread(target=take_for_ever, name="metrics", daemon=True).start()

    def take(self) -> None:
        """Count what was written so far; waits until something was."""
        *lines, self._rest = (self._rest + os.read(self._reads, _PIPE_BYTES)).split(b"\n")
        for line in lines:
            self._count(json.loads(line))

    def ended(self, *ends: TaskEnd) -> None:
        """Count the ends of tasks."""
        self._tell({"ended": vars(end)} for end in ends)

    def parked(self, queue: str) -> None:
        """Count a parked message."""
        self._tell([{"parked": queue}])

    def _tell(self, events: Iterable[dict[str, Any]]) -> None:
        if self._counts_in is None:
            return
        if os.getpid() == self._counts_in:
            for event in events:
                self._count(event)
            return
        try:
            for lines in _together(json.dumps(event).encode() + b"\n" for event in events):
                os.write(self._writes, lines)
        except OSError as error:
            if not self._lost:
                self._lost = True
                logger.warning("measurements are lost, told once by each process: %s", error)

    def _count(self, event: dict[str, Any]) -> None:
        if self.metrics is None:
            return
        if "ended" in event:
            self.metrics.ended(TaskEnd(**event["ended"]))
        else:
            self.metrics.parked(event["parked"])


def _together(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Join lines, as many as one write may hold without mixing with another process's."""
    joined = b""
    for line in lines:
        if joined and len(joined) + len(line) > select.PIPE_BUF:
            yield joined
            joined = b""
        joined += line
    if joined:
        yield joined


def connect(settings: Settings) -> Feed:
    """Serve metrics of a worker, or beat, where FLEET_METRICS_PORT is set; the feed to tell."""
    feed, port = Feed(), settings.environment.metrics_port
    if port is None:
        return feed

    def open_feed(**_: object) -> None:
        feed.open()

    def serve(sender: Any, **_: object) -> None:  # noqa: ANN401 - Celery's Consumer
        from worker_image.metrics_server import serve  # noqa: PLC0415 - likewise

        if feed.metrics is None:
            return
        serve(feed.metrics.registry, settings.environment.pod_ip, port)
        # A green pool forks nothing, and would stand still while this reads.
        if not sender.pool.is_green:
            feed.listen()

    def serve_beat(**_: object) -> None:
        from worker_image import metrics_beat, metrics_server  # noqa: PLC0415 - likewise

        registry = metrics_beat.of_this_process().registry
        metrics_server.serve(registry, settings.environment.pod_ip, port)

    signals.beat_init.connect(serve_beat, weak=False)
    signals.worker_init.connect(open_feed, weak=False)
    signals.worker_ready.connect(serve, weak=False)
    return feed
