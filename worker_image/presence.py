"""Which workers there are and what they do, as each of them tells Redis every few seconds.

So a reader asks Redis twice, however many workers there are, and waits for none of them. Keys,
behind the key prefix: string `fleet:worker:<node name>`, which expires with its worker; sorted set
`fleet:workers` of the names, by when each told last (Unix time).
"""

import time
from collections.abc import Iterable
from typing import Any

import redis
from pydantic import BaseModel, ConfigDict

# A name without a string is no worker; so old a one is not even looked up.
_FORGOTTEN_S = 3600


class ActiveTask(BaseModel):
    """A task that a worker runs."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    queue: str
    started_at: float
    """Unix time."""


class Presence(BaseModel):
    """One worker at one moment."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Celery's node name, `worker-labeling@<pod>`."""
    worker: str | None
    """Which of the declared workers it is."""
    pid: int
    pool: str
    concurrency: int
    queues: tuple[str, ...]
    """What it consumes; of a fair queue its own name, not its tenants'."""
    active: tuple[ActiveTask, ...]
    """The first hundred; `running` counts them all."""
    running: int
    done: int
    """Tasks that it has run since it started, whatever became of them."""
    rss_bytes: int
    """Of its processes together; pages that they share count in each."""
    started_at: float
    told_at: float
    """Unix time, as the one above."""
    draining: bool = False
    """Ends what it runs, and takes nothing more."""


class PresenceStore:
    """The workers' word in Redis; every method raises redis.RedisError without a broker."""

    def __init__(self, client: "redis.Redis", key_prefix: str) -> None:
        self._client = client
        self._prefix = key_prefix

    def tell(self, presence: Presence, expires_s: float) -> None:
        """Say that a worker is there, for so many seconds."""
        with self._client.pipeline(transaction=False) as pipe:
            key = self._key(presence.name)
            pipe.set(key, presence.model_dump_json(), px=round(1000 * expires_s))
            pipe.zadd(self._names, {presence.name: presence.told_at})
            pipe.expire(self._names, _FORGOTTEN_S)
            pipe.execute()

    def withdraw(self, name: str) -> None:
        """Say that a worker is gone."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.delete(self._key(name))
            pipe.zrem(self._names, name)
            pipe.execute()

    def read(self) -> tuple[Presence, ...]:
        """Return every worker that told lately, by name."""
        since = time.time() - _FORGOTTEN_S
        names = sorted(map(str, self._client.zrangebyscore(self._names, since, "+inf")))
        if not names:
            return ()
        told: Iterable[Any] = self._client.mget([self._key(name) for name in names])
        return tuple(Presence.model_validate_json(text) for text in told if text is not None)

    @property
    def _names(self) -> str:
        return f"{self._prefix}fleet:workers"

    def _key(self, name: str) -> str:
        return f"{self._prefix}fleet:worker:{name}"
