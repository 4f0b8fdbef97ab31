"""Puts back what nobody has renewed for the visibility timeout, of every worker's in-flight hash.

A worker does it for its own hash. At zero replicas there is no worker, and of a worker that a stack
no longer has there never will be: so each hash that was ever declared is remembered, in the hash
`fleet:in-flight-keys` behind the key prefix (in-flight key -> visibility timeout in seconds), until
it is empty and not declared.
"""

import logging
from collections.abc import Mapping
from math import inf

import redis
from celery import Celery
from kombu.utils.encoding import bytes_to_str

from worker_image.declared import FleetSettings
from worker_image.transport.held import put_back
from worker_image.transport.settle import InFlight
from worker_image.transport.words import Words

# For each hash and look; the next look comes within seconds.
_AT_ONCE = 500
_KNOWN = "fleet:in-flight-keys"

# KEYS: in-flight hash, its index. What has no time would never be due; its time begins now, and if
# a worker does hold it after all, it renews it from now on.
_DATE = """
local now = redis.call('TIME')
local score = now[1] .. string.format('.%06d', now[2])
local dated = 0
for _, tag in ipairs(redis.call('HKEYS', KEYS[1])) do
    dated = dated + redis.call('ZADD', KEYS[2], 'NX', score, tag)
end
return dated
"""

logger = logging.getLogger(__name__)


class Restorer:
    """Restores over one connection of Celery's; its methods raise what kombu and redis-py raise."""

    def __init__(self, app: Celery, fleet: FleetSettings) -> None:
        self._fleet = fleet
        self._connection = app.connection_for_write()

    def restore(self) -> Mapping[str, int]:
        """Put back what is due, in front of what waits and in its order; how many by in-flight key.

        Each message moves in one step on the server, which looks at its own clock; another restorer
        that is at it too finds the message gone.
        """
        channel = self._connection.default_channel
        client = redis.Redis(connection_pool=channel.pool)
        restored = {}
        for key, visibility_s in self._known(client).items():
            held = self._in_flight(client, key)
            restored[key] = sum(
                _put_back(held, tag, put_back(channel, content, self._spare(key)), visibility_s)
                for tag, content in list(held.expired(visibility_s, _AT_ONCE))
            )
        return restored

    def date(self, key: str) -> int:
        """Give messages that no time is known of the present one; return how many."""
        client = redis.Redis(connection_pool=self._connection.default_channel.pool)
        held = self._in_flight(client, key)
        return int(str(client.eval(_DATE, 2, held.hash_key, held.index_key)))

    def reconnect(self) -> None:
        """Forget the connection, which may lead to a server that is no longer the one."""
        self._connection.collect()

    def _known(self, client: "redis.Redis") -> dict[str, float]:
        """Every in-flight key with messages, or of a declared worker, and its timeout."""
        declared = {
            worker.in_flight_key: float(self._fleet.visibility_timeout_seconds)
            for worker in self._fleet.workers.values()
        }
        known = f"{self._fleet.key_prefix}{_KNOWN}"
        stored = client.hgetall(known).items()
        former = {bytes_to_str(key): told for key, value in stored if (told := _seconds(value))}
        if not declared.items() <= former.items():
            client.hset(known, mapping={key: str(value) for key, value in declared.items()})
        for key in former.keys() - declared.keys():
            if not client.exists(f"{self._fleet.key_prefix}{key}"):
                client.hdel(known, key)
                former.pop(key)
        return former | declared

    def _spare(self, key: str) -> str:
        """A declared queue, for letters of what does not tell its own."""
        owners = (each for each in self._fleet.workers.values() if each.in_flight_key == key)
        owner = next(owners, None)
        return next(iter(self._fleet.queues)) if owner is None else owner.queues[0]

    def _in_flight(self, client: "redis.Redis", key: str) -> InFlight:
        whole = f"{self._fleet.key_prefix}{key}"
        return InFlight(client, whole, f"{whole}_index")


def _seconds(value: bytes | str) -> float | None:
    """A timeout; None for what somebody else wrote there."""
    try:
        told = float(value)
    except ValueError:
        return None
    return told if 0 < told < inf else None


def _put_back(held: InFlight, tag: bytes, words: Words, visibility_s: float) -> bool:
    settled = held.settle(tag, words.told, expired_s=visibility_s)
    if settled and not words.pushes:
        logger.error("parked what %s held as %r: it is no message", held.hash_key, tag)
    return settled and bool(words.pushes)
