"""Takes an operator's probes back, so that none is left of a look that was broken off.

A probe is a task of its own, `stats.PROBE`; of no other is anything removed.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import redis

from worker_image.broker import answering
from worker_image.declared import FleetSettings
from worker_image.priority import list_name
from worker_image.publish import RefusedError
from worker_image.results import Results
from worker_image.stats import PROBE
from worker_image.tenants import Place, tenants_key

# Messages of a list that are looked at in one round trip, the newest first.
_LOOK = 200
# What a probe returns (worker_image/tasks/canary.py).
RETURNED = frozenset({"worker", "waited_seconds", "ran_seconds"})

# KEYS: a list, and the hash of marks where it is a fair queue's. ARGV: the message, its mark.
_WITHDRAW = """
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
if KEYS[2] then redis.call('HDEL', KEYS[2], ARGV[2]) end
return 1
"""


class Probes:
    """Removes what is left of probes; every method raises BrokerAwayError without a broker."""

    def __init__(self, client: "redis.Redis", fleet: FleetSettings, results: Results) -> None:
        self._client = client
        self._fleet = fleet
        self._results = results

    def take_back(self, queue: str, task_id: str) -> bool:
        """Remove a probe's result, or else its message where it still waits.

        Returns whether it waited. One that a worker has taken comes to its end in milliseconds.

        Raises:
            RefusedError: the queue is not declared.

        """
        if queue not in self._fleet.queues:
            declared = sorted(self._fleet.queues)
            raise RefusedError(f"unknown queue {queue!r}: declared are {declared}")
        outcome = self._results.outcome(task_id)
        if outcome.status != "pending":
            if isinstance(outcome.result, Mapping) and outcome.result.keys() == RETURNED:
                self._results.forget(task_id)
            return False
        with answering():
            return any(self._withdrawn(queue, name, task_id) for name in self._lists(queue))

    def _withdrawn(self, queue: str, name: str, task_id: str) -> bool:
        key = self._key(name)
        for text in self._waiting(key):
            if task_id in text and (tag := _tag_of_probe(text, task_id)) is not None:
                marks = self._fleet.fair.get(queue)
                keys = [key] if marks is None else [key, self._key(marks)]
                return bool(self._client.eval(_WITHDRAW, len(keys), *keys, text, tag))
        return False

    def _waiting(self, key: str) -> Iterator[str]:
        """Every message of a list; what enters meanwhile, on the left, pushes none out of sight."""
        start = 0
        while found := self._client.lrange(key, start, start + _LOOK - 1):
            yield from map(str, found)
            start += _LOOK

    def _lists(self, queue: str) -> Iterator[str]:
        if queue not in self._fleet.fair:
            steps = self._fleet.priority_steps
            yield from (list_name(queue, step, self._fleet.separator) for step in steps)
            return
        yield queue
        for tenant in self._client.zrange(self._key(tenants_key(queue)), 0, -1):
            yield Place(queue, str(tenant)).list_name

    def _key(self, name: str) -> str:
        return f"{self._fleet.key_prefix}{name}"


def _tag_of_probe(text: str, task_id: str) -> str | None:
    """The delivery tag of a message, if it is this probe's."""
    try:
        message: dict[str, Any] = json.loads(text)
        headers, properties = message["headers"], message["properties"]
        if (headers["id"], headers["task"]) != (task_id, PROBE):
            return None
        return str(properties["delivery_tag"])
    except (ValueError, TypeError, LookupError):
        # Whatever somebody pushed there; the worker that takes it says so.
        return None
