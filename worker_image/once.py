"""A caller's key under which a message is sent once, however often it is asked for.

The key's record and the message are written by one Lua script: one is there if and only if the
other is. So two requests that race, a repeated one, and a publisher that tries again after an
answer was lost all come to one message. Keys, behind the key prefix:
`fleet:once:<SHA-256 of the caller's key>`, for a day.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kombu.transport import redis

from worker_image import transport

TRANSPORT = "worker_image.once:Transport"
"""Celery's `broker_transport` for publishers whose callers have keys."""

KEPT_S = 24 * 3600

# ARGV[1] is the record, ARGV[2] its life in seconds; then each command as its length and its words.
# The record comes last: a full Redis refuses the message before it.
_SEND_ONCE = """
local held = redis.call('GET', KEYS[1])
if held then return held end
local at = 3
while at <= #ARGV do
    local words = tonumber(ARGV[at])
    redis.call(unpack(ARGV, at + 1, at + words))
    at = at + words + 1
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
"""


class KeyReusedError(ValueError):
    """A caller's key that belongs to another request."""


@dataclass
class Sending:
    """One message on its way under a caller's key."""

    key: str
    request: str
    """What is asked for; the same text for the same request."""
    task_id: str
    found: str | None = None
    """The record that Redis has, once it was asked."""

    @property
    def redis_key(self) -> str:
        """Without key prefix; no caller's text becomes part of it."""
        return f"fleet:once:{sha256(self.key.encode()).hexdigest()}"

    @property
    def record(self) -> str:
        return f"{sha256(self.request.encode()).hexdigest()} {self.task_id}"

    def settled(self) -> str:
        """Return the id of the task that was sent, now or before.

        Raises:
            KeyReusedError: what was sent under the key was another request.

        """
        digest, _, task_id = (self.found or self.record).partition(" ")
        if digest != self.record.partition(" ")[0]:
            raise KeyReusedError(
                f"Idempotency-Key {self.key!r} was used for another request in the last "
                f"{KEPT_S // 3600} hours: take a new key"
            )
        return task_id


_sending: ContextVar[Sending | None] = ContextVar("sending", default=None)


@contextmanager
def sending(key: str, request: str, task_id: str) -> Iterator[Sending]:
    """Send what this thread publishes meanwhile under a caller's key."""
    begun = Sending(key, request, task_id)
    token = _sending.set(begun)
    try:
        yield begun
    finally:
        _sending.reset(token)


class Channel(transport.Channel):
    """A publisher's channel; it never consumes."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's
        """Keep one client for the channel's pool; kombu makes one for each message.

        Making it was a fifth of a publish's time (redis-py 8.1).
        """
        if asynchronous:
            return super()._create_client(asynchronous)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()
        return self._kept

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        begun = _sending.get()
        if begun is None:
            super()._put(queue, message, **kwargs)
            return
        words = _Words(self.global_keyprefix)
        super()._put(queue, message, **kwargs, _publish_batch=words)
        with self.conn_or_acquire() as client:
            key = f"{self.global_keyprefix}{begun.redis_key}"
            told = client.execute_command(
                "EVAL", _SEND_ONCE, 1, key, begun.record, KEPT_S, *words.told
            )
        begun.found = told.decode() if isinstance(told, bytes) else str(told)


class Transport(redis.Transport):
    """Kombu's Redis transport over these channels."""

    Channel = Channel


class _Words:
    """Takes commands as kombu's batch does, and tells them as words."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.told: list[object] = []

    def add(self, name: str, key: str, *arguments: object) -> None:
        words: list[object] = [name, f"{self._prefix}{key}"]
        for argument in arguments:
            if isinstance(argument, Mapping):
                # ZADD's members with their scores.
                words += [word for member, score in argument.items() for word in (score, member)]
            else:
                words.append(argument)
        self.told += [len(words), *words]
