"""How long tasks waited, minute by minute over the last hour, as counts in steps of a fifth.

One hash a queue and hour, `fleet:wait-minutes:<queue>:<hour>` behind the key prefix, with a field
`<minute of the hour>:<step>` for each wait that occurred; kept for two hours. A step's waits are
within 9 % of what is told of them.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log
from typing import Any

import redis

MINUTES = 60

_SHORTEST_S = 0.01
_FACTOR = 1.19
_KEPT_S = 2 * 3600
_MINUTE_S = 60
_HOUR_S = 3600


@dataclass(frozen=True)
class Minute:
    """The waits of the tasks that ended in one minute."""

    at: int
    """Its first second, Unix time."""
    tasks: int
    p50_s: float
    p95_s: float


def add(pipe: Any, prefix: str, queue: str, waits_s: Iterable[float], now: float) -> None:  # noqa: ANN401 - redis-py's pipeline
    """Append what counts the waits of tasks that ended just before `now` (Unix time)."""
    key = _key(prefix, queue, int(now // _HOUR_S))
    for step, count in Counter(map(_step, waits_s)).items():
        pipe.hincrby(key, f"{int(now % _HOUR_S // _MINUTE_S)}:{step}", count)
    pipe.expire(key, _KEPT_S)


def read(
    client: "redis.Redis", prefix: str, queues: Iterable[str], now: float | None = None
) -> dict[str, tuple[Minute, ...]]:
    """Return the last hour's minutes with waits by queue, oldest first, in one round trip.

    Raises:
        redis.RedisError: the broker is away.

    """
    now = time.time() if now is None else now
    names, hour = list(queues), int(now // _HOUR_S)
    with client.pipeline(transaction=False) as pipe:
        for queue in names:
            pipe.hgetall(_key(prefix, queue, hour - 1))
            pipe.hgetall(_key(prefix, queue, hour))
        told = pipe.execute()
    since = now - MINUTES * _MINUTE_S
    return {
        queue: tuple(
            minute
            for which, hashed in ((hour - 1, told[2 * n]), (hour, told[2 * n + 1]))
            for minute in _minutes(which, hashed)
            if minute.at > since
        )
        for n, queue in enumerate(names)
    }


def _minutes(hour: int, hashed: dict[str, str]) -> list[Minute]:
    steps: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for field, count in hashed.items():
        minute, _, step = field.partition(":")
        steps[int(minute)][int(step)] += int(count)
    return [
        Minute(
            hour * _HOUR_S + minute * _MINUTE_S,
            counted.total(),
            _percentile(counted, 0.5),
            _percentile(counted, 0.95),
        )
        for minute, counted in sorted(steps.items())
    ]


def _percentile(counted: Counter[int], share: float) -> float:
    """The nearest rank's step, told as the middle between its ends."""
    rank = max(1, ceil(share * counted.total()))
    for step in sorted(counted):
        rank -= counted[step]
        if rank <= 0:
            break
    return round(_SHORTEST_S * _FACTOR ** (step + 0.5), 4) if step else 0.0


def _step(wait_s: float) -> int:
    """0 for what is too short to matter, then a fifth longer each."""
    if wait_s <= _SHORTEST_S:
        return 0
    return floor(log(wait_s / _SHORTEST_S) / log(_FACTOR))


def _key(prefix: str, queue: str, hour: int) -> str:
    return f"{prefix}fleet:wait-minutes:{queue}:{hour}"
