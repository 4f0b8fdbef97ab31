"""What the janitor tells Prometheus of queues, in-flight messages and what is left over."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from worker_image.queues import Backlog


class JanitorMetrics:
    """The families of one janitor; figures are of its last look."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._pending = self._gauge("fleet_queue_pending", "Messages that wait.", "queue")
        self._oldest = self._gauge(
            "fleet_queue_oldest_age_seconds",
            "Since the oldest waiting message was published; 0 where none waits or none tells.",
            "queue",
        )
        self._dead = self._gauge("fleet_queue_dead_letters", "Parked messages.", "queue")
        self._in_flight = self._gauge(
            "fleet_queue_in_flight", "Messages that a worker's pods hold.", "worker"
        )
        self._mismatch = self._gauge(
            "fleet_in_flight_mismatch",
            "Messages by which a worker's in-flight hash and its index differ for two looks.",
            "worker",
        )
        self._unowned = self._gauge("fleet_unowned_lists", "Lists that no queue owns.")
        self._campaign = self._gauge(
            "fleet_campaign_active", "1: someone means to keep the queue busy.", "queue"
        )
        self._round = self._gauge(
            "fleet_janitor_last_round_timestamp_seconds", "When the janitor last ended a round."
        )
        self._restored = Counter(
            "fleet_restored",
            "Messages put back into their lists after the visibility timeout.",
            ("in_flight_key",),
            registry=self.registry,
        )

    def waiting(self, queue: str, backlog: Backlog, dead_letters: int) -> None:
        """Keep what was seen of a queue."""
        self._pending.labels(queue).set(backlog.pending)
        self._oldest.labels(queue).set(backlog.oldest_s or 0.0)
        self._dead.labels(queue).set(dead_letters)

    def held(self, worker: str, in_flight: int, mismatch: int) -> None:
        """Keep what was seen of a worker."""
        self._in_flight.labels(worker).set(in_flight)
        self._mismatch.labels(worker).set(mismatch)

    def unowned(self, lists: int) -> None:
        """Keep how many lists no queue owns."""
        self._unowned.set(lists)

    def campaign(self, queue: str, *, on: bool) -> None:
        """Keep whether a queue's campaign is on."""
        self._campaign.labels(queue).set(on)

    def ended_round(self) -> None:
        """Keep that everything was looked at, now."""
        self._round.set_to_current_time()

    def restored(self, in_flight_key: str, messages: int) -> None:
        """Count messages that were put back."""
        self._restored.labels(in_flight_key).inc(messages)

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        return Gauge(name, told, labels, registry=self.registry)
