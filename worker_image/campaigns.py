"""Which queues have a campaign on: work that someone means to keep them busy with.

Kept in the broker, in the hash `fleet:campaigns` behind the key prefix: since when, by queue.
"""

from collections.abc import Mapping

import redis

from worker_image.broker import answering
from worker_image.declared import FleetSettings
from worker_image.publish import RefusedError


class Campaigns:
    """Switches campaigns on and off; every method raises BrokerAwayError without a broker."""

    def __init__(self, client: "redis.Redis", fleet: FleetSettings) -> None:
        self._client = client
        self._fleet = fleet
        self._key = f"{fleet.key_prefix}fleet:campaigns"

    def running(self) -> Mapping[str, float]:
        """Return since when campaigns are on, Unix time by the server's clock, by queue."""
        with answering():
            told = self._client.hgetall(self._key)
        return {str(queue): float(since) for queue, since in told.items()}

    def start(self, queue: str) -> float:
        """Switch a queue's campaign on, and return since when it is; one that is on goes on.

        Raises:
            RefusedError: the queue is not declared.

        """
        if queue not in self._fleet.queues:
            declared = ", ".join(sorted(self._fleet.queues))
            raise RefusedError(f"unknown queue {queue!r}: declared are {declared}")
        with answering():
            seconds, micros = self._client.time()
            self._client.hsetnx(self._key, queue, str(seconds + micros / 1e6))
            return float(self._client.hget(self._key, queue) or seconds)

    def stop(self, queue: str) -> bool:
        """Switch it off; False where it was not on."""
        with answering():
            return bool(self._client.hdel(self._key, queue))
