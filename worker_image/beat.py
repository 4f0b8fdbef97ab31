"""Beat on Redis: the schedule's state survives the pod, and a lock keeps a second one silent."""

import logging
from typing import Any

from redbeat.schedulers import RedBeatScheduler
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker_image.heartbeat import of_this_process

_RETRY_S = 1.0

logger = logging.getLogger(__name__)


class Scheduler(RedBeatScheduler):
    """RedBeat that outlives a short broker outage and tells probes that it ticks.

    A tick that finds the lock lost raises redis-py's LockError and ends the process: another beat
    may hold it. Started anew, this one waits for the lock.
    """

    def tick(self, *args: Any, **kwargs: Any) -> float:  # noqa: ANN401 - Celery's own signature
        """Send what is due; return the seconds until the next tick."""
        try:
            wait_s: float = super().tick(*args, **kwargs)
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("broker away, the tick is tried again: %s", error)
            wait_s = _RETRY_S
        of_this_process().beat()
        return wait_s

    def close(self) -> None:
        """Release the lock; a heartbeat left behind would vouch for a container started anew."""
        super().close()
        of_this_process().stop()
