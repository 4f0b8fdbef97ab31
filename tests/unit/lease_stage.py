"""A server of leases, a clock, and requests of Celery, for tests without a broker."""

import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import redis

from worker_image.transport.lease import Lease


class Server:
    """Stands in for what is in flight; it is away for as many calls as a test wants."""

    def __init__(self) -> None:
        self.away = 0
        self.renewed: list[set[str]] = []
        self.told: list[tuple[str, tuple[object, ...]]] = []
        self.gone: set[str] = set()
        self.broken = 0
        self.answers: Callable[[], object] = lambda: None
        """Called as it answers."""
        self.client = SimpleNamespace(
            connection_pool=SimpleNamespace(disconnect=self._disconnected)
        )

    def renew(self, tags: Sequence[str]) -> set[str]:
        self._answer()
        self.answers()
        self.renewed.append(set(tags))
        return self.gone

    def settle(self, tag: str, words: Sequence[object]) -> bool:
        self._answer()
        self.told.append((tag, tuple(words)))
        return True

    def remove(self, tag: str) -> None:
        self._answer()
        self.told.append((tag, ()))

    def _answer(self) -> None:
        if self.away:
            self.away -= 1
            raise redis.ConnectionError("refused")

    def _disconnected(self) -> None:
        self.broken += 1


def lease_on(server: Any, visibility_s: float = 0.2, **options: Any) -> Lease:
    return Lease(server, visibility_s, **options)


def until(look: Any, within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Clock:
    """The monotonic clock of leases, set by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Request(SimpleNamespace):
    """Celery's, as far as it is used; hashed as itself, as the sets of requests want."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # a namespace has none
