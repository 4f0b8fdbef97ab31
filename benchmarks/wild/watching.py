"""Looks at the broker while a phase runs."""

import threading
from types import TracebackType
from typing import Self

import redis

_EVERY_S = 0.1


class Watch:
    """Samples what a preview's queue holds and what memory the broker takes."""

    def __init__(self, client: "redis.Redis", prefix: str, queue: str) -> None:
        self._client = client
        self._keys = (f"{prefix}{queue}", f"{prefix}unacked:{queue}")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.held_most = 0
        self.memory_most = 0
        """Bytes."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def slowest_ms(self) -> float:
        """Of the commands since the server's log of slow ones was emptied."""
        slow = self._client.slowlog_get(1000)
        return round(max((each["duration"] for each in slow), default=0) / 1000, 1)

    def _look(self) -> None:
        while not self._ended.wait(_EVERY_S):
            with self._client.pipeline(transaction=True) as pipe:
                pipe.llen(self._keys[0])
                pipe.hlen(self._keys[1])
                waiting, held = pipe.execute()
            self.held_most = max(self.held_most, int(waiting) + int(held))
            memory = int(self._client.info("memory")["used_memory"])
            self.memory_most = max(self.memory_most, memory)
