"""The janitor's word on what it found: one hash in Redis, `fleet:janitor` behind the key prefix.

It never expires: an old word says that the janitor is silent.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import redis

# Several looks, and a start on another node.
SILENT_S = 60
_TOLD = 5


@dataclass(frozen=True)
class JanitorWord:
    """What the janitor last told, and how long ago by the server's clock."""

    age_s: float
    unowned: Mapping[str, int]
    """Messages by list that no queue owns; the first few."""
    unowned_count: int
    """Of all such lists."""

    @property
    def warnings(self) -> Iterator[str]:
        """What is wrong, in plain words."""
        if self.age_s > SILENT_S:
            yield (
                f"janitor silent for {self.age_s:.0f} s: what lost workers held may not come back"
            )
        for name, length in list(self.unowned.items())[:_TOLD]:
            yield f"list {name!r} holds {length} messages, and no queue owns it: see its sender"
        if self.unowned_count > _TOLD:
            yield f"{self.unowned_count - _TOLD} more lists are no queue's"


def tell(client: "redis.Redis", prefix: str, unowned: Mapping[str, int], count: int) -> None:
    """Tell what was found, now.

    Raises:
        redis.RedisError: the broker is away.

    """
    now = str(_now(client.time()))
    client.hset(
        _key(prefix),
        mapping={"told_at": now, "unowned": json.dumps(unowned), "unowned_count": str(count)},
    )


def read(client: "redis.Redis", prefix: str) -> JanitorWord | None:
    """Return the last word; None where there never was one.

    Raises:
        redis.RedisError: the broker is away.

    """
    with client.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.hgetall(_key(prefix))
        now, told = pipe.execute()
    if not told:
        return None
    return JanitorWord(
        age_s=max(0.0, _now(now) - float(told["told_at"])),
        unowned=json.loads(told["unowned"]),
        unowned_count=int(told["unowned_count"]),
    )


def _now(time: tuple[int, int]) -> float:
    return time[0] + time[1] / 1e6


def _key(prefix: str) -> str:
    return f"{prefix}fleet:janitor"
