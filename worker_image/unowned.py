"""Finds lists that no queue owns: what a misspelt queue, prefix or priority step left behind.

The keys are scanned a part at a time, so that a large database costs little at any moment.
"""

import re
import time
from collections.abc import Mapping

import redis

from worker_image.declared import FleetSettings
from worker_image.priority import list_name
from worker_image.tenants import place_of

# Of keys that the server looks at in one call, about a millisecond of its time.
_KEYS_A_CALL = 1000
_CALLS_A_LOOK = 50
_EVERY_S = 60.0
_KEPT = 20
"""Lists that are told by name; more are counted."""

# The image's own; answers to Celery's remote control, which last for moments; and, where the fleet
# itself has no key prefix, those of its previews.
_OTHERS = re.compile(r"fleet:waits:.*|.*\.reply\.celery\.pidbox|preview-[a-z0-9-]+:.*")


class UnownedLists:
    """The lists under the key prefix that are none of a queue's."""

    def __init__(self, client: "redis.Redis", fleet: FleetSettings) -> None:
        self._client = client
        self._fleet = fleet
        self._owned = frozenset(_lists(fleet))
        self._cursor = 0
        self._seen: set[str] = set()
        self._looked_at = float("-inf")
        self.count = 0
        """As of the last time that every key was looked at."""
        self.lengths: Mapping[str, int] = {}
        """Messages by list, without key prefix; of the first few lists."""

    def look(self) -> None:
        """Go on with the keys, once a minute; raises redis.RedisError without a broker."""
        now = time.monotonic()
        if now - self._looked_at < _EVERY_S:
            return
        self._looked_at = now
        for _ in range(_CALLS_A_LOOK):
            self._cursor, keys = self._client.scan(
                self._cursor, _escaped(self._fleet.key_prefix) + "*", _KEYS_A_CALL, _type="list"
            )
            names = (str(key).removeprefix(self._fleet.key_prefix) for key in keys)
            self._seen.update(name for name in names if self._is_unowned(name))
            if self._cursor == 0:
                self._conclude()
                return

    def _conclude(self) -> None:
        names, self._seen = sorted(self._seen), set()
        with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.llen(f"{self._fleet.key_prefix}{name}")
            lengths = dict(zip(names, pipe.execute(), strict=True))
        # A list is gone with its last message.
        there = {name: int(length) for name, length in lengths.items() if length}
        self.count = len(there)
        self.lengths = dict(list(there.items())[:_KEPT])

    def _is_unowned(self, name: str) -> bool:
        tenants = place_of(name, self._fleet.fair).tenant is not None
        return not (tenants or name in self._owned or _OTHERS.fullmatch(name))


def _lists(fleet: FleetSettings) -> list[str]:
    return [
        list_name(queue, step, fleet.separator)
        for queue in fleet.queues
        # A fair queue has no priorities.
        for step in (fleet.priority_steps[:1] if queue in fleet.fair else fleet.priority_steps)
    ]


def _escaped(prefix: str) -> str:
    """A key prefix in a pattern of Redis, where some characters stand for others."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", prefix)
