"""What beat tells Prometheus: when it last sent each schedule."""

from collections.abc import Iterable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Gauge


class BeatMetrics:
    """The last send of each schedule, also of a beat before this one."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._last = Gauge(
            "fleet_beat_last_send_timestamp_seconds",
            "When beat last sent a schedule; nothing for one that was never sent.",
            ("schedule",),
            registry=self.registry,
        )

    def sent(self, schedule: str, at: float) -> None:
        """Keep the moment of a send, in Unix time."""
        self._last.labels(schedule).set(at)

    def sent_before(self, sends: Iterable[tuple[str, float]]) -> None:
        """Take over what an earlier beat sent."""
        for schedule, at in sends:
            self.sent(schedule, at)


@lru_cache(maxsize=1)
def of_this_process() -> BeatMetrics:
    """Return this process's; Celery makes a second scheduler for its banner."""
    return BeatMetrics()
