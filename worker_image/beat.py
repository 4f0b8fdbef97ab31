"""Beat on Redis: the schedule's state survives the pod, and a lock keeps a second one silent."""

import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from redbeat.schedulers import RedBeatScheduler
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker_image import boot
from worker_image.heartbeat import of_this_process
from worker_image.settings import current

if TYPE_CHECKING:
    from worker_image.metrics_beat import BeatMetrics

_RETRY_S = 1.0

logger = logging.getLogger(__name__)


class Scheduler(RedBeatScheduler):
    """RedBeat that outlives a short broker outage and tells probes that it ticks.

    A tick that finds the lock lost raises redis-py's LockError and ends the process: another beat
    may hold it. Started anew, this one waits for the lock.
    """

    _metrics: "BeatMetrics | None" = None
    _knows_sends = False

    def __init__(self, app: Any, **kwargs: Any) -> None:  # noqa: ANN401 - RedBeat's own
        boot.check_publisher(current(), app)
        self._metrics = _metrics()
        super().__init__(app, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:  # noqa: ANN401 - Celery's own signature
        """Send what is due; return the seconds until the next tick."""
        try:
            # The first tick comes with the lock; before it another beat sent.
            if self._metrics is not None and not self._knows_sends:
                self._metrics.sent_before(self._sends())
                self._knows_sends = True
            wait_s: float = super().tick(*args, **kwargs)
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("broker away, the tick is tried again: %s", error)
            wait_s = _RETRY_S
        of_this_process().beat()
        return wait_s

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - likewise
        """Send one entry, and keep when."""
        sent = super().apply_async(entry, *args, **kwargs)
        if self._metrics is not None:
            self._metrics.sent(entry.name, time.time())
        return sent

    def _sends(self) -> Iterator[tuple[str, float]]:
        """When each entry was last sent; one that never was has a time too, but no runs."""
        for name in self.app.conf.beat_schedule:
            meta = self.Entry.load_meta(self.Entry.generate_key(self.app, name), self.app)
            if meta.get("total_run_count"):
                yield name, meta["last_run_at"].timestamp()

    def close(self) -> None:
        """Release the lock; a heartbeat left behind would vouch for a container started anew."""
        super().close()
        of_this_process().stop()


def _metrics() -> "BeatMetrics | None":
    if current().environment.metrics_port is None:
        return None
    from worker_image import metrics_beat  # noqa: PLC0415 - only where it is asked for

    return metrics_beat.of_this_process()
