"""What the broker holds for each queue: waiting, in flight, ended, and how long it waited."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import redis

from worker_image.broker import answering
from worker_image.declared import FleetSettings, WorkerSettings
from worker_image.priority import list_name
from worker_image.stats import QueueCounts, StatsStore
from worker_image.tenants import Place, tenants_key


@dataclass(frozen=True)
class QueueReport:
    """One queue at one moment."""

    pending: int
    """Messages in all of the queue's lists."""
    in_flight: int
    """Messages that a worker has and has not acknowledged."""
    counts: QueueCounts
    tenants: int | None = None
    """Tenants with messages waiting; None where the queue is not fair."""


class QueueReader:
    """Reads every declared queue from the broker."""

    def __init__(self, client: "redis.Redis", fleet: FleetSettings, stats: StatsStore) -> None:
        self._client = client
        self._fleet = fleet
        self._stats = stats

    def reports(self) -> dict[str, QueueReport]:
        """Return a report by queue name.

        Raises:
            BrokerAwayError: it does not answer.

        """
        with answering():
            in_flight = self._in_flight()
            return {
                queue: QueueReport(
                    self._pending(queue),
                    in_flight[queue],
                    self._stats.read(queue),
                    self._tenants(queue) if queue in self._fleet.fair else None,
                )
                for queue in self._fleet.queues
            }

    def _pending(self, queue: str) -> int:
        if (marks := self._fleet.fair.get(queue)) is not None:
            return int(self._client.hlen(self._key(marks)))
        with self._client.pipeline(transaction=False) as pipe:
            for step in self._fleet.priority_steps:
                pipe.llen(self._key(list_name(queue, step, self._fleet.separator)))
            return sum(pipe.execute())

    def _tenants(self, queue: str) -> int:
        known = map(str, self._client.zrange(self._key(tenants_key(queue)), 0, -1))
        with self._client.pipeline(transaction=False) as pipe:
            for tenant in known:
                pipe.llen(self._key(Place(queue, tenant).list_name))
            return sum(length > 0 for length in pipe.execute())

    def _in_flight(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for worker in self._fleet.workers.values():
            total.update(self._held_by(worker))
        return total

    def _held_by(self, worker: WorkerSettings) -> Counter[str]:
        key = self._key(worker.in_flight_key)
        if len(worker.queues) == 1:
            return Counter({worker.queues[0]: int(self._client.hlen(key))})
        # The hash of a shared worker does not say whose its messages are; they do:
        # [message, exchange, routing key].
        return Counter(json.loads(held)[2] for held in self._client.hvals(key))

    def _key(self, name: str) -> str:
        return f"{self._fleet.key_prefix}{name}"


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile (`share` 0.95: the value 95 % do not exceed)."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]
