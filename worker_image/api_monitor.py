"""What operators see of the fleet: queues, workers, dead letters, and what is wrong in plain words.

Everything is read from Redis; no worker is asked, so no answer waits for one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import redis

from worker_image import dead_letters, janitor_word, wait_history
from worker_image.broker import answering
from worker_image.declared import FleetSettings, QueueAlert
from worker_image.janitor_word import JanitorWord
from worker_image.presence import Presence, PresenceStore
from worker_image.queues import QueueReader, QueueReport
from worker_image.wait_history import Minute

# A worker at rest takes KEDA's poll (30 s at most, by its default) and a start to come.
_WORKER_EXPECTED_S = 120
_MINUTE_S = 60
_HOUR_S = 3600

_ALERT = QueueAlert.model_validate({"pending": 100, "forMinutes": 15})
"""Of a queue that states none."""


@dataclass(frozen=True)
class QueueState:
    """One queue, and who serves it."""

    report: QueueReport
    alert: QueueAlert
    workers: int
    """Connected, that consume it."""
    dead_letters: int


@dataclass(frozen=True)
class Overview:
    """The fleet at one moment."""

    queues: Mapping[str, QueueState]
    workers: tuple[Presence, ...]
    janitor: JanitorWord | None = None
    """None where none ever told."""

    @property
    def janitor_warnings(self) -> tuple[str, ...]:
        """What the janitor found wrong, or what is wrong with it."""
        return () if self.janitor is None else tuple(self.janitor.warnings)

    @property
    def warnings(self) -> dict[str, tuple[str, ...]]:
        """What is wrong, by queue; a queue without trouble is not named."""
        told = {name: tuple(_warnings(name, state)) for name, state in self.queues.items()}
        return {name: lines for name, lines in told.items() if lines}


class Monitor:
    """Reads the fleet's state; every method raises BrokerAwayError where Redis does not answer."""

    def __init__(self, client: "redis.Redis", fleet: FleetSettings, reader: QueueReader) -> None:
        self._client = client
        self._fleet = fleet
        self._reader = reader
        self._presence = PresenceStore(client, fleet.key_prefix)

    def pending(self) -> Mapping[str, int]:
        """Return how many messages wait by queue."""
        return self._reader.pending()

    def workers(self) -> tuple[Presence, ...]:
        """Return the connected workers, by name."""
        with answering():
            return self._presence.read()

    def overview(self) -> Overview:
        """Return the fleet as it is."""
        reports, workers = self._reader.reports(), self.workers()
        serving = Counter(queue for worker in workers for queue in worker.queues)
        with answering():
            dead = dead_letters.counts(self._client, self._fleet.key_prefix, reports)
            janitor = janitor_word.read(self._client, self._fleet.key_prefix)
        queues = {
            name: QueueState(
                report, self._fleet.queues[name].alert or _ALERT, serving[name], dead[name]
            )
            for name, report in reports.items()
        }
        return Overview(queues, workers, janitor)

    def waits(self) -> Mapping[str, tuple[Minute, ...]]:
        """Return the last hour's waits by queue."""
        with answering():
            return wait_history.read(self._client, self._fleet.key_prefix, self._fleet.queues)


def _warnings(name: str, state: QueueState) -> list[str]:
    report, alert = state.report, state.alert
    waited_s = report.oldest_s or 0.0
    told = []
    waiting = f"{report.pending} waiting, the oldest for {span(waited_s)}"
    if report.pending and not state.workers and waited_s > _WORKER_EXPECTED_S:
        told.append(f"queue {name}: no worker is connected, {waiting}")
    elif report.pending > alert.pending and waited_s > _MINUTE_S * alert.for_minutes:
        told.append(f"queue {name}: {waiting}")
    if report.in_flight and not state.workers:
        told.append(
            f"queue {name}: {report.in_flight} in flight, and no worker is connected: "
            "they come back after the visibility timeout"
        )
    if state.dead_letters:
        told.append(f"queue {name}: {state.dead_letters} in dead letters, to be looked at")
    return told


def span(seconds: float) -> str:
    """Word a time in the unit that says enough."""
    for unit_s, unit in ((_HOUR_S, "hours"), (_MINUTE_S, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} seconds"
