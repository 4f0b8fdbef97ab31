"""Looks after what no worker looks after: `python -m worker_image.janitor`, one a fleet.

Every few seconds it puts back what lost workers held, also of a worker at zero replicas; counts
what waits, is held and is parked; and tells of lists that no queue owns. A second one does no harm:
whatever either changes is one step on the server.
"""

import logging
import signal
import sys
import time
from types import FrameType

import redis
from kombu.exceptions import KombuError

from worker_image import broker, dead_letters, janitor_word, logs
from worker_image.app import app
from worker_image.broker import BrokerAwayError
from worker_image.campaigns import Campaigns
from worker_image.declared import FleetSettings
from worker_image.heartbeat import Heartbeat, of_this_process
from worker_image.metrics_janitor import JanitorMetrics
from worker_image.metrics_server import serve
from worker_image.queues import QueueReader
from worker_image.restore import Restorer
from worker_image.settings import Settings, current_or_exit
from worker_image.stats import StatsStore
from worker_image.unowned import UnownedLists

_EVERY_S = 5.0
_AWAY_S = 1.0
_TIMEOUT_S = 2.0
# After an outage workers renew what they hold within a second or two.
_GRACE_S = 5.0

logger = logging.getLogger(__name__)


class Janitor:
    """One round after another; a broker that is away ends none of them for good."""

    def __init__(
        self, fleet: FleetSettings, client: "redis.Redis", restorer: Restorer, beat: Heartbeat
    ) -> None:
        self._fleet = fleet
        self._client = client
        self._restorer = restorer
        self._beat = beat
        self._reader = QueueReader(client, fleet, StatsStore(client, fleet.key_prefix))
        self._unowned = UnownedLists(client, fleet)
        self._campaigns = Campaigns(client, fleet)
        self._differed: dict[str, int] = {}
        self._warned: frozenset[str] = frozenset()
        self._answered_since: float | None = None
        self.metrics = JanitorMetrics()

    def run(self) -> None:
        """Go round until the process is told to end."""
        while True:
            self._beat.beat()
            time.sleep(_EVERY_S if self.round() else _AWAY_S)

    def round(self) -> bool:
        """Do everything once; False if the broker was away."""
        try:
            self._look()
            if self._has_settled():
                self._restore()
            janitor_word.tell(
                self._client, self._fleet.key_prefix, self._unowned.lengths, self._unowned.count
            )
            self.metrics.ended_round()
        except (redis.RedisError, KombuError, OSError, BrokerAwayError) as error:
            if self._answered_since is not None:
                logger.warning("broker away, looking again: %s", error)
            self._answered_since = None
            self._restorer.reconnect()
            return False
        return True

    def _has_settled(self) -> bool:
        """Whether workers had the time to renew what they hold, since the broker is back."""
        now = time.monotonic()
        if self._answered_since is None:
            self._answered_since = now
        grace_s = min(_GRACE_S, self._fleet.visibility_timeout_seconds / 4)
        return now - self._answered_since >= grace_s

    def _restore(self) -> None:
        for key, messages in self._restorer.restore().items():
            self.metrics.restored(key, messages)
            if messages:
                logger.warning("put back %d messages that %s held too long", messages, key)

    def _look(self) -> None:
        backlogs = self._reader.backlogs()
        dead = dead_letters.counts(self._client, self._fleet.key_prefix, backlogs)
        for queue, backlog in backlogs.items():
            self.metrics.waiting(queue, backlog, dead[queue])
        for worker, declared in self._fleet.workers.items():
            self._look_at_held(worker, declared.in_flight_key)
        running = self._campaigns.running()
        for queue in self._fleet.queues:
            self.metrics.campaign(queue, on=queue in running)
        self._unowned.look()
        self.metrics.unowned(self._unowned.count)
        word = janitor_word.JanitorWord(0.0, self._unowned.lengths, self._unowned.count)
        warnings = frozenset(word.warnings)
        for line in sorted(warnings - self._warned):
            logger.warning("%s", line)
        self._warned = warnings

    def _look_at_held(self, worker: str, key: str) -> None:
        whole = f"{self._fleet.key_prefix}{key}"
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hlen(whole)
            pipe.zcard(f"{whole}_index")
            held, indexed = map(int, pipe.execute())
        # A worker may be between the two; what lasts is no moment.
        before, now = self._differed.get(worker, 0), held - indexed
        self._differed[worker] = now
        lasting = min(before, now, key=abs) if before * now > 0 else 0
        self.metrics.held(worker, held, abs(lasting))
        if lasting > 0:
            dated = self._restorer.date(key)
            logger.warning("%s held %d messages without a time, which begins now", key, dated)


def main(settings: Settings) -> None:
    """Run a janitor until SIGTERM, which ends it at once: no step of it is left half done."""
    environment = settings.environment
    logs.configure("INFO", environment.pod_name, settings.fleet.fair)
    signal.signal(signal.SIGTERM, _end)
    client = broker.client(settings, environment.broker_url, _TIMEOUT_S)
    beat = of_this_process()
    janitor = Janitor(settings.fleet, client, Restorer(app, settings.fleet), beat)
    if environment.metrics_port is not None:
        serve(janitor.metrics.registry, environment.pod_ip, environment.metrics_port)
    try:
        janitor.run()
    finally:
        # A heartbeat left behind would vouch for a container started anew.
        beat.stop()


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main(current_or_exit())
