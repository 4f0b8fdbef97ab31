"""A message is written once, however often it is tried or asked for.

A mark and the message are written by one Lua script: one is there if and only if the other is, on
this server and on a replica that takes over. So a publisher that tries again after an answer was
lost writes nothing twice. A caller may have a key of its own: two requests that race and a repeated
one then come to one message, too. Marks, behind the key prefix: `fleet:sent:<random>` for minutes,
for a day where an outbox may send the message again (worker_image/outbox.py), and
`fleet:once:<SHA-256 of the caller's key>` for a day.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol
from uuid import NAMESPACE_OID, uuid5

from celery.utils import uuid
from kombu.utils.json import dumps

from worker_image import transport
from worker_image.confirm import CONFIRM_REPLICAS, Confirming
from worker_image.room import ROOM, Room, is_promised
from worker_image.tenants import place_of
from worker_image.transport.words import Words
from worker_image.write_once import Record, write_once

TRANSPORT = "worker_image.once:Transport"
"""The transport of every connection that publishes."""

KEPT_S = 24 * 3600
# Longer than a publisher tries one message (worker_image/patience.py).
SENT_KEPT_S = 180

# A message is copied into Redis, the in-flight hash and each worker; large input is a file's.
MESSAGE_MAX_BYTES = 256 * 1024

# What Celery's second protocol adds to every body (5.7.0, app/amqp.py).
_EMBEDDED = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))


class KeyReusedError(ValueError):
    """A caller's key that belongs to another request."""


class MessageTooLargeError(ValueError):
    """A task whose arguments are more than a message should carry."""


class Step(Protocol):
    """What happens to Redis in one step with a message that is sent."""

    def send(
        self,
        client: Any,  # noqa: ANN401 - redis-py's
        prefix: str,
        words: Sequence[object],
        room: Room | None,
    ) -> None:
        """Do it; the words are commands, each after their number. May raise QueueFullError."""


def new_mark() -> str:
    """Return a mark that no message has, without key prefix."""
    return f"fleet:sent:{uuid()}"


@dataclass
class Sent:
    """The step of a message without a caller's key: it is written, and a mark of its own.

    Not its task's id, which a retry has too, and a message that an operator sends again.
    """

    mark: str = field(default_factory=new_mark)
    """Without key prefix."""
    kept_s: int = SENT_KEPT_S

    def send(
        self,
        client: Any,  # noqa: ANN401 - redis-py's
        prefix: str,
        words: Sequence[object],
        room: Room | None,
    ) -> None:
        """Send the message unless an earlier try has, whose answer was lost."""
        record = Record(f"{prefix}{self.mark}", "1", self.kept_s)
        write_once(client, record, prefix, words, room)


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

    def send(
        self,
        client: Any,  # noqa: ANN401 - redis-py's
        prefix: str,
        words: Sequence[object],
        room: Room | None,
    ) -> None:
        """Send the message and write its record, unless there is one."""
        record = Record(f"{prefix}{self.redis_key}", self.record, KEPT_S)
        self.found = write_once(client, record, prefix, words, room)

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


def task_id_under(key: str, request: str) -> str:
    """Return the id of a request under a caller's key.

    It is the same in every process that is asked, also while none of them can ask Redis.
    """
    return str(uuid5(NAMESPACE_OID, dumps([key, request])))


def check_arguments(task: str, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that no message would carry, before there is a channel to tell.

    Raises:
        MessageTooLargeError: the message would be above `MESSAGE_MAX_BYTES`.

    """
    _check_size(dumps([[], arguments, _EMBEDDED]), {"task": task})


_step: ContextVar[Step | None] = ContextVar("step", default=None)


@contextmanager
def in_one_step(step: Step) -> Iterator[None]:
    """Let what this thread publishes meanwhile be sent by a step."""
    token = _step.set(step)
    try:
        yield
    finally:
        _step.reset(token)


@contextmanager
def writing() -> Iterator[None]:
    """Let what is published meanwhile, one message, be written once, whatever tries it takes."""
    with in_one_step(_step.get() or Sent()):
        yield


class Channel(transport.Channel):
    """A publisher's channel; it consumes nothing but answers to remote control."""

    confirm_replicas = 0
    room: Mapping[str, Room] = {}
    from_transport_options = (*transport.Channel.from_transport_options, CONFIRM_REPLICAS, ROOM)

    def prepare_message(self, body: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - kombu's
        """Return the message; raises MessageTooLargeError."""
        _check_size(body, kwargs.get("headers") or next(iter(args[3:4]), None) or {})
        return super().prepare_message(body, *args, **kwargs)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        step = _step.get()
        if step is None:
            super()._put(queue, message, **kwargs)
            return
        words = Words(self.global_keyprefix)
        super()._put(queue, message, **kwargs, _publish_batch=words)
        with self.conn_or_acquire() as client:
            asked = self.confirm_replicas
            sender = Confirming(client, asked) if asked else client
            step.send(sender, self.global_keyprefix, words.told, self._room(queue, message))

    def _room(self, list_name: str, message: Mapping[str, Any]) -> Room | None:
        """The room that a message needs; None where it is always sent."""
        if is_promised() or (message.get("headers") or {}).get("retries"):
            return None
        return self.room.get(place_of(list_name, self.fair_queues).queue)


class Transport(transport.Transport):
    """The fleet's transport over these channels, however messages are delivered."""

    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        super().__init__(client, **kwargs)
        self.Channel = Channel


def _check_size(body: str | bytes, headers: Mapping[str, Any]) -> None:
    """Refuse a task whose arguments are too large.

    What is sent again was taken once; refused now, in its worker, it would be lost.
    """
    size = len(body.encode() if isinstance(body, str) else body)
    if size > MESSAGE_MAX_BYTES and headers.get("task") and not headers.get("retries"):
        raise MessageTooLargeError(
            f"task {headers['task']!r}: its arguments are {size} bytes as JSON, above "
            f"{MESSAGE_MAX_BYTES}: Redis would hold them twice, and each worker that takes them; "
            "put them into a file of the data folder and send its name"
        )
