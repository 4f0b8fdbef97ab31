"""Ends the holding of messages on the server: acknowledged, put back, or left behind by the dead.

Each step is one script, so that a message is put back once, whoever tries; the clock is the
server's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import redis

from worker_image.transport.words import RUN_WORDS

# KEYS: in-flight hash, its index. ARGV: delivery tag; least age in seconds, or ''; then commands.
_SETTLE = f"""
{RUN_WORDS}
if ARGV[2] ~= '' then
    local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
    local now = redis.call('TIME')
    if not score or now[1] + now[2] / 1000000 - score < tonumber(ARGV[2]) then return 0 end
end
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
run_words(3)
return 1
"""

# KEYS: likewise. ARGV: least age in seconds; how many at most. The last one first: put back in
# front one by one, they come to lie in their order. What is only in the index is nothing.
_EXPIRED = """
local now = redis.call('TIME')
local before = now[1] + now[2] / 1000000 - tonumber(ARGV[1])
local found = {}
local tags = redis.call(
    'ZRANGE', KEYS[2], string.format('%.6f', before), 0, 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[2])
for _, tag in ipairs(tags) do
    local held = redis.call('HGET', KEYS[1], tag)
    if held then
        found[#found + 1] = tag
        found[#found + 1] = held
    else
        redis.call('ZREM', KEYS[2], tag)
    end
end
return found
"""

# KEYS: likewise. ARGV: delivery tags. Returns those that are no longer held.
_RENEW = """
local now = redis.call('TIME')
local score = now[1] .. string.format('.%06d', now[2])
local gone = {}
for _, tag in ipairs(ARGV) do
    if redis.call('ZSCORE', KEYS[2], tag) then
        redis.call('ZADD', KEYS[2], score, tag)
    else
        gone[#gone + 1] = tag
    end
end
return gone
"""


@dataclass(frozen=True)
class InFlight:
    """The in-flight hash and its index on the server; every method may raise redis.RedisError."""

    client: "redis.Redis"
    """Without key prefix, and answering in bytes."""
    hash_key: str
    index_key: str
    """Both with their key prefix."""

    def remove(self, tag: str) -> None:
        """Forget a message."""
        with self.client.pipeline(transaction=False) as pipe:
            for command in self.removal(tag):
                pipe.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's
            pipe.execute()

    def removal(self, tag: str) -> tuple[tuple[str, str, str], ...]:
        """Return the commands that forget a message.

        Not for a transaction, which a full server refuses: what a failure between them leaves in
        the index, the next look for expired ones removes.
        """
        return ("HDEL", self.hash_key, tag), ("ZREM", self.index_key, tag)

    def settle(
        self, tag: str | bytes, words: Sequence[object], expired_s: float | None = None
    ) -> bool:
        """Forget a message and run commands, unless nobody holds it any more.

        Args:
            tag: the delivery tag.
            words: the commands, as `Words.told` has them.
            expired_s: do neither if the message was fetched, or its lease renewed, more lately.

        """
        age = "" if expired_s is None else expired_s
        return bool(self._settle(self._keys, [tag, age, *words]))

    def expired(self, age_s: float, at_most: int) -> Iterator[tuple[bytes, bytes]]:
        """Return tag and content of what nobody has renewed for so long, the last one first."""
        told = self._expired(self._keys, [age_s, at_most])
        yield from zip(told[::2], told[1::2], strict=True)

    def renew(self, tags: Iterable[str]) -> set[str]:
        """Renew the leases of messages; return the tags of those that are no longer held."""
        wanted = list(tags)
        return {tag.decode() for tag in self._renew(self._keys, wanted)} if wanted else set()

    @property
    def _keys(self) -> list[str]:
        return [self.hash_key, self.index_key]

    @cached_property
    def _settle(self) -> Any:  # noqa: ANN401 - redis-py's Script
        return self.client.register_script(_SETTLE)

    @cached_property
    def _expired(self) -> Any:  # noqa: ANN401 - likewise
        return self.client.register_script(_EXPIRED)

    @cached_property
    def _renew(self) -> Any:  # noqa: ANN401 - likewise
        return self.client.register_script(_RENEW)
