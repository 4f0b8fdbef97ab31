"""Keeps time of alerts: when their condition began and ended, when someone was told of either."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite

from tests.whole.watched import Watched

_NOT_YET = float("nan")
_LOOK_S = 0.2
Expected = tuple[str, dict[str, str]]
"""An alert's name and labels."""


@dataclass
class Sighting:
    """One alert that a condition has to raise."""

    alert: str
    labels: dict[str, str]
    for_s: float
    """Of the rule, in short time."""
    began: float
    told: float = _NOT_YET
    ended: float = _NOT_YET
    resolved: float = _NOT_YET

    @property
    def name(self) -> str:
        return " ".join([self.alert, *self.labels.values()])

    @property
    def row(self) -> str:
        detected, over = self.told - self.began, self.resolved - self.ended
        return f"{self.name:<42} {self.for_s:6.1f} {detected:9.1f} {over:9.1f}"


HEADER = f"{'alert':<42} {'for s':>6} {'told s':>9} {'over s':>9}"


@dataclass
class Drill:
    """What was expected so far, and what came of it."""

    watched: Watched
    sightings: list[Sighting] = field(default_factory=list)

    @contextmanager
    def expecting(self, *alerts: Expected) -> Iterator[list[Sighting]]:
        """Alerts that the condition raises, which begins with the block and ends with it."""
        now = time.monotonic()
        found = [Sighting(name, what, self.watched.for_s(name, what), now) for name, what in alerts]
        self.sightings += found
        yield found
        ended = time.monotonic()
        for sighting in found:
            sighting.ended = ended

    def await_told(self, sightings: list[Sighting], within_s: float) -> None:
        """Wait until the receiver has heard of each."""

        def hear(each: Sighting) -> bool:
            each.told = self._heard("firing", each, each.began)
            return isfinite(each.told)

        _await_all(sightings, hear, within_s)

    def await_resolved(self, sightings: list[Sighting], within_s: float) -> None:
        """Wait until the receiver has heard that each is over."""

        def hear(each: Sighting) -> bool:
            each.resolved = self._heard("resolved", each, each.ended)
            return isfinite(each.resolved)

        _await_all(sightings, hear, within_s)

    def _heard(self, status: str, sighting: Sighting, since: float) -> float:
        labels = {"alertname": sighting.alert, **sighting.labels}
        notice = self.watched.receiver.first(status, labels, since)
        return _NOT_YET if notice is None else notice.at


def _await_all(
    sightings: list[Sighting], hear: Callable[[Sighting], bool], within_s: float
) -> None:
    deadline = time.monotonic() + within_s
    silent = sightings
    while silent := [each for each in silent if not hear(each)]:
        names = ", ".join(each.name for each in silent)
        assert time.monotonic() < deadline, f"nothing in {within_s:g} s of: {names}"
        time.sleep(_LOOK_S)
