"""What the broker holds for each queue: waiting, in flight, ended, and how long it waited."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import redis

from worker_image.broker import answering
from worker_image.declared import FleetSettings
from worker_image.priority import list_name
from worker_image.stats import PUBLISHED_AT, QueueCounts, StatsStore
from worker_image.tenants import Place, tenants_key

_NO_MESSAGE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class Backlog:
    """What waits in one queue."""

    pending: int
    """Messages in all of the queue's lists."""
    tenants: int | None
    """Tenants with messages waiting; None where the queue is not fair."""
    oldest_s: float | None
    """Since the oldest waiting message was published; None where none waits or none tells."""


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
    oldest_s: float | None = None
    """Since the oldest waiting message was published; None where none waits or none tells."""


class QueueReader:
    """Reads every declared queue from the broker, in few round trips however many there are."""

    def __init__(self, client: "redis.Redis", fleet: FleetSettings, stats: StatsStore) -> None:
        self._client = client
        self._fleet = fleet
        self._stats = stats

    def pending(self) -> dict[str, int]:
        """Return how many messages wait by queue name.

        Raises:
            BrokerAwayError: it does not answer.

        """
        with answering(), self._client.pipeline(transaction=False) as pipe:
            for queue in self._fleet.queues:
                self._ask_pending(pipe, queue)
            told = iter(pipe.execute())
            return {queue: self._told_pending(told, queue) for queue in self._fleet.queues}

    def reports(self) -> dict[str, QueueReport]:
        """Return a report by queue name.

        Raises:
            BrokerAwayError: it does not answer.

        """
        with answering():
            lists = self._lists()
            with self._client.pipeline(transaction=False) as pipe:
                self._ask_waiting(pipe, lists)
                self._ask_in_flight(pipe)
                told = iter(pipe.execute())
            waiting = self._told_waiting(told, lists)
            in_flight = self._told_in_flight(told)
            return {
                queue: QueueReport(
                    found.pending,
                    in_flight[queue],
                    self._stats.read(queue),
                    found.tenants,
                    found.oldest_s,
                )
                for queue, found in waiting.items()
            }

    def backlogs(self) -> dict[str, Backlog]:
        """Return what waits by queue name, without counts of what ended.

        Raises:
            BrokerAwayError: it does not answer.

        """
        with answering():
            lists = self._lists()
            with self._client.pipeline(transaction=False) as pipe:
                self._ask_waiting(pipe, lists)
                return self._told_waiting(iter(pipe.execute()), lists)

    def _ask_waiting(self, pipe: Any, lists: Mapping[str, Sequence[str]]) -> None:  # noqa: ANN401 - redis-py's pipeline
        for queue in self._fleet.queues:
            self._ask_pending(pipe, queue)
            for name in lists[queue]:
                # Messages enter on the left; the oldest one is the last.
                pipe.lindex(self._key(name), -1)

    def _told_waiting(
        self, told: Iterator[Any], lists: Mapping[str, Sequence[str]]
    ) -> dict[str, Backlog]:
        found = {}
        for queue in self._fleet.queues:
            pending = self._told_pending(told, queue)
            last = [next(told) for _ in lists[queue]]
            found[queue] = Backlog(pending, self._tenants(queue, last), _oldest_s(last))
        return found

    def _ask_pending(self, pipe: Any, queue: str) -> None:  # noqa: ANN401 - likewise
        if (marks := self._fleet.fair.get(queue)) is not None:
            pipe.hlen(self._key(marks))
            return
        for name in self._steps(queue):
            pipe.llen(self._key(name))

    def _told_pending(self, told: Iterator[Any], queue: str) -> int:
        lists = 1 if queue in self._fleet.fair else len(self._fleet.priority_steps)
        return sum(int(next(told)) for _ in range(lists))

    def _lists(self) -> dict[str, tuple[str, ...]]:
        """Every queue's lists; a fair queue's own first, then its tenants'."""
        lists = {queue: self._steps(queue) for queue in self._fleet.queues}
        if fair := list(self._fleet.fair):
            with self._client.pipeline(transaction=False) as pipe:
                for queue in fair:
                    pipe.zrange(self._key(tenants_key(queue)), 0, -1)
                known = zip(fair, pipe.execute(), strict=True)
            for queue, tenants in known:
                names = (Place(queue, str(tenant)).list_name for tenant in tenants)
                lists[queue] = (queue, *names)
        return lists

    def _tenants(self, queue: str, last: Sequence[str | None]) -> int | None:
        if queue not in self._fleet.fair:
            return None
        return sum(text is not None for text in last[1:])

    def _ask_in_flight(self, pipe: Any) -> None:  # noqa: ANN401 - likewise
        for worker in self._fleet.workers.values():
            key = self._key(worker.in_flight_key)
            # The hash of a shared worker does not say whose its messages are; they do.
            pipe.hlen(key) if len(worker.queues) == 1 else pipe.hvals(key)

    def _told_in_flight(self, told: Iterator[Any]) -> Counter[str]:
        total: Counter[str] = Counter()
        for worker in self._fleet.workers.values():
            held = next(told)
            if len(worker.queues) == 1:
                total[worker.queues[0]] += int(held)
            else:
                total.update(queue for each in held if (queue := _queue_of(each)) is not None)
        return total

    def _steps(self, queue: str) -> tuple[str, ...]:
        steps = self._fleet.priority_steps
        return tuple(list_name(queue, step, self._fleet.separator) for step in steps)

    def _key(self, name: str) -> str:
        return f"{self._fleet.key_prefix}{name}"


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile (`share` 0.95: the value 95 % do not exceed)."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def _oldest_s(messages: Sequence[str | None]) -> float | None:
    """Since the oldest of some waiting messages was published; a publisher may not tell."""
    told = (_published_at(text) for text in messages if text is not None)
    published = [at for at in told if at is not None]
    return max(0.0, time.time() - min(published)) if published else None


def _published_at(message: str) -> float | None:
    try:
        at = float(json.loads(message)["headers"].get(PUBLISHED_AT))
    except _NO_MESSAGE:
        # Whatever somebody pushed there; the worker that takes it says so.
        return None
    return at if isfinite(at) else None


def _queue_of(held: str) -> str | None:
    """Return the routing key of what a worker holds: message, exchange, routing key."""
    try:
        _, _, queue = json.loads(held)
    except _NO_MESSAGE:
        return None
    return queue if isinstance(queue, str) else None
