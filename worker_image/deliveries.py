"""Counts the deliveries of messages that have not come to an end, from the second one on.

Redis hash `fleet:deliveries:<task id>` behind the key prefix: a field for each start after the
first delivery (Unix time -> worker); where its process was lost, `error`, what the main process saw
last, and `published`, when it was first sent.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import redis

# Longer than any message waits between two deliveries.
_COUNTED_FOR_S = 7 * 24 * 3600
_ERROR, _PUBLISHED = "error", "published"


@dataclass(frozen=True)
class History:
    """What is known of a message's deliveries."""

    starts: tuple[float, ...] = ()
    """When each one after the first started; Unix time."""
    error: str | None = None
    published_at: float | None = None
    """None where its own stamp tells."""


class Deliveries:
    """The counts in Redis; every method raises redis.RedisError while the broker is away."""

    def __init__(self, client: "redis.Redis", prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def start(self, task_id: str, worker: str) -> History:
        """Count a start; it is the last one of those returned."""
        key = key_of(self._prefix, task_id)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hset(key, f"{time.time():.6f}", worker)
            pipe.expire(key, _COUNTED_FOR_S)
            pipe.hgetall(key)
            return _history(pipe.execute()[-1])

    def lost(self, task_id: str, error: str, published_at: float | None = None) -> None:
        """Keep that a delivery lost its process, and when the message was first sent."""
        key = key_of(self._prefix, task_id)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hset(key, _ERROR, error)
            if published_at is not None:
                pipe.hsetnx(key, _PUBLISHED, str(published_at))
            pipe.expire(key, _COUNTED_FOR_S)
            pipe.execute()

    def known(self, task_id: str) -> bool:
        """Whether something is counted of a message."""
        return bool(self._client.exists(key_of(self._prefix, task_id)))

    def history(self, task_id: str) -> History:
        """Return what is counted so far."""
        stored = self._client.hgetall(key_of(self._prefix, task_id))
        return _history({str(field): str(value) for field, value in stored.items()})

    def forget(self, task_id: str) -> None:
        """Begin anew."""
        self._client.delete(key_of(self._prefix, task_id))


def key_of(prefix: str, task_id: str) -> str:
    """Name the hash of a message."""
    return f"{prefix}fleet:deliveries:{task_id}"


def _history(stored: Mapping[str, str]) -> History:
    published = stored.get(_PUBLISHED)
    return History(
        tuple(sorted(float(field) for field in stored if field not in {_ERROR, _PUBLISHED})),
        stored.get(_ERROR),
        None if published is None else float(published),
    )
