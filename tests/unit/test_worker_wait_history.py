"""The last hour's waits by minute."""

from collections import defaultdict
from typing import Any

import pytest

from worker_image import wait_history
from worker_image.wait_history import Minute

NOW = 1_800_003_000.0  # ten minutes to the full hour


class Store:
    """A client and its pipeline, with hashes in memory."""

    def __init__(self) -> None:
        self.hashes: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.expires_s: dict[str, int] = {}
        self._asked: list[dict[str, str]] = []

    def pipeline(self, **_: Any) -> "Store":
        return self

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self._asked = []

    def hincrby(self, key: str, field: str, by: int) -> None:
        self.hashes[key][field] = str(int(self.hashes[key].get(field, 0)) + by)

    def expire(self, key: str, seconds: int) -> None:
        self.expires_s[key] = seconds

    def hgetall(self, key: str) -> None:
        self._asked.append(dict(self.hashes[key]))

    def execute(self) -> list[dict[str, str]]:
        return self._asked


def read(store: Store, *queues: str) -> dict[str, tuple[Minute, ...]]:
    client: Any = store
    return wait_history.read(client, "p:", queues, NOW)


def test_a_minute_tells_its_tasks_and_percentiles() -> None:
    store = Store()
    for hundredth in range(1, 101):
        wait_history.add(store, "p:", "q", [10.0 * hundredth], NOW - 5)

    (minute,) = read(store, "q")["q"]

    assert (minute.at, minute.tasks) == (1_800_002_940, 100)
    assert minute.p50_s == pytest.approx(500, rel=0.1)
    assert minute.p95_s == pytest.approx(950, rel=0.1)


@pytest.mark.parametrize("wait_s", [0.02, 0.1, 0.77, 3.0, 59.0, 3600.0, 86_400.0])
def test_what_is_told_is_within_a_tenth_of_the_wait(wait_s: float) -> None:
    store = Store()
    wait_history.add(store, "p:", "q", [wait_s], NOW)

    assert read(store, "q")["q"][0].p95_s == pytest.approx(wait_s, rel=0.1)


def test_a_wait_too_short_to_matter_is_none() -> None:
    store = Store()
    wait_history.add(store, "p:", "q", [0.0], NOW)

    assert read(store, "q")["q"][0].p50_s == 0.0


def test_minutes_of_both_hours_come_in_order_and_old_ones_not_at_all() -> None:
    store = Store()
    for ago_s in (0, 3000, 3500, 3700, 7300):
        wait_history.add(store, "p:", "q", [1.0], NOW - ago_s)

    ages_s = [NOW - minute.at for minute in read(store, "q", "other")["q"]]

    assert len(ages_s) == 3
    assert ages_s == sorted(ages_s, reverse=True)
    assert max(ages_s) < 3600
    assert read(store, "other") == {"other": ()}


def test_what_is_kept_goes_away_by_itself() -> None:
    store = Store()
    wait_history.add(store, "p:", "q", [1.0], NOW)

    (key,) = store.hashes
    assert key.startswith("p:")
    assert 3600 < store.expires_s[key] <= 2 * 3600
