"""How messages reach a worker: fetched in one step, and waited for without taking anything."""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty
from time import monotonic
from typing import Any

import redis
from kombu.utils.encoding import bytes_to_str
from redis.exceptions import NoScriptError

from worker_image import dead_letters, envelope
from worker_image.dead_letters import DeadLetter
from worker_image.malformed import MESSAGE_MAX_BYTES, MalformedError, letter_of
from worker_image.tenants import place_of
from worker_image.transport.channel import Channel
from worker_image.transport.fetch import UNREADABLE, Consumed, queue_words
from worker_image.transport.lease_qos import LeaseQoS
from worker_image.transport.settle import InFlight
from worker_image.transport.wake import WAIT_S, wake_keys

_WAIT = "BZPOPMIN"

logger = logging.getLogger(__name__)


class LeaseChannel(Channel):
    """A channel in two states: it fetches until nothing is there, then waits to be woken.

    A channel with a consumer that acknowledges nothing, as of replies, pops as kombu does.
    """

    QoS = LeaseQoS
    recorded: str | None = None
    """Tag of the message being delivered, which is recorded as held already."""
    item: bytes | None = None
    """The message being delivered, as it lay in Redis."""
    on_refused: Callable[[str], None] = staticmethod(lambda _queue: None)
    """Told the queue of each malformed message that was parked."""
    asked_at = 0.0
    """When it was asked for, by the monotonic clock; its answer may have waited to be read."""
    _asked: str | None = None
    _empty = False
    _loaded = False
    _no_ack = False
    _consumed: Consumed | None = None
    _wake_keys: tuple[str, ...] = ()
    _held: InFlight | None = None

    @property
    def fetching(self) -> bool:
        return bool(self._in_poll) and self._asked not in {None, _WAIT}

    @property
    def spare_queue(self) -> str:
        """Where a letter goes of what does not tell its queue: the first one consumed here."""
        return self._queue(next(iter(self._queue_cycle.consume(1)), "default"))

    @property
    def held(self) -> InFlight:
        """What is in flight, over this channel's connections."""
        pool, held = self.pool, self._held
        if held is None or held.client.connection_pool is not pool:
            held = self._held = self.in_flight(pool)
        return held

    def in_flight(self, pool: "redis.ConnectionPool") -> InFlight:
        """Return what is in flight, over the connections of a pool."""
        # Not kombu's client, which puts the key prefix in front of a script's first key alone.
        client, prefix = redis.Redis(connection_pool=pool), self.global_keyprefix
        return InFlight(client, f"{prefix}{self.unacked_key}", f"{prefix}{self.unacked_index_key}")

    def pool_of_its_own(self) -> "redis.ConnectionPool":
        """Return connections like this channel's that outlive it."""
        return redis.ConnectionPool(**self._connparams())

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, FBT001 - kombu's
        """Consume a queue."""
        told = super().basic_consume(queue, no_ack, *args, **kwargs)
        if no_ack and queue not in self.active_fanout_queues:
            self._no_ack = True
        return told

    def end_poll(self) -> None:
        """Take the message that may be on its way here, and ask for no more.

        Who waits takes only a token from the server: that connection is closed, so that the next
        one goes to a worker that wants it.
        """
        if self._in_poll and self._asked == _WAIT:
            self._in_poll.disconnect()
            self._in_poll = None
        else:
            super().end_poll()

    def close(self) -> None:
        """Close, also where the connection is broken."""
        if not self.closed:
            with suppress(*self.connection_errors, self.ResponseError):
                self.end_poll()
            self._in_poll = None
            if self._qos is not None:
                self._qos.hang_up()
        super().close()

    def _update_queue_cycle(self) -> None:
        super()._update_queue_cycle()
        self._consumed = None

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Ask for a message, or to be woken."""
        if self._no_ack:
            self._asked = None
            super()._brpop_start(timeout)
            return
        queues = self._queue_cycle.consume(len(self.active_queues))
        if not queues:
            return
        self._in_poll = connection = self.client.connection
        self.asked_at = self._brpop_sent_at = monotonic()
        consumed = self._told(queues)
        if self._empty:
            command = [_WAIT, *self._wake_keys, WAIT_S]
        else:
            command = consumed.command(self._lists(queues), loaded=self._loaded)
        self._asked = str(command[0])
        connection.send_command(*command)

    def _brpop_read(self, **options: Any) -> bool:  # noqa: ANN401 - kombu's
        """Take the answer.

        Raises:
            Empty: there was no message; also where kombu would go on, and look again.

        """
        asked, self._asked = self._asked, None
        if asked is None:
            read: bool = super()._brpop_read(**options)
            return read
        try:
            told = self._answer(asked)
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        if asked == _WAIT:
            self._empty = False
            if told is None:
                self.connection.cycle.maybe_restore_messages()
            raise Empty
        if told is None:
            self._empty = True
            raise Empty
        return self._deliver(*told)

    def _answer(self, asked: str) -> Any:  # noqa: ANN401 - of either command
        try:
            told = self.client.parse_response(self.client.connection, asked)
        except NoScriptError:
            # The server was restarted, or another one took its place.
            self._loaded = False
            raise Empty from None
        except self.connection_errors:
            self._empty = False
            self.client.connection.disconnect()
            raise
        if asked != _WAIT:
            self._loaded = True
        return told

    def _deliver(self, list_name: bytes, item: bytes, tag: bytes, size: int) -> bool:
        name = bytes_to_str(list_name).removeprefix(self.global_keyprefix)
        queue = name.rsplit(self.sep, 1)[0]
        self._queue_cycle.rotate(queue)
        try:
            message = self._read(item, tag, size)
        except MalformedError as error:
            self._refuse(letter_of(item, self._queue(name), str(error), size), item, tag)
            raise Empty from None
        # Where it lay, whatever it says: there it goes back, and there it is counted.
        message["properties"]["delivery_info"].update(exchange="", routing_key=queue)
        self.recorded, self.item = message["properties"]["delivery_tag"], item
        try:
            self.connection._deliver(message, queue)  # noqa: SLF001 - as kombu does
        finally:
            self.recorded = self.item = None
        return True

    def _read(self, item: bytes, tag: bytes, size: int) -> dict[str, Any]:
        if size > len(item):
            told = f"its {size} bytes are above {MESSAGE_MAX_BYTES}; it lies in list"
            raise MalformedError(f"{told} {self.global_keyprefix}{UNREADABLE}")
        message = envelope.read(item)
        if message["properties"]["delivery_tag"].encode() != tag:
            raise MalformedError("it has more than one delivery tag")
        return message

    def _refuse(self, letter: DeadLetter, item: bytes, tag: bytes) -> None:
        """Park what was fetched: in one step with its end as a message that is held."""
        if tag:
            self.held.settle(tag, dead_letters.words(self.global_keyprefix, letter))
        else:
            unreadable = f"{self.global_keyprefix}{UNREADABLE}"
            with self.held.client.pipeline(transaction=True) as pipe:
                _, *words = dead_letters.words(self.global_keyprefix, letter)
                pipe.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's
                pipe.lrem(unreadable, 1, item)  # type: ignore[arg-type]  # bytes, as they lie there
                pipe.execute()
        logger.error("parked %s: %s", letter.task_id, letter.reason, extra={"operation": "park"})
        self.on_refused(letter.queue)

    def _queue(self, list_name: str) -> str:
        return place_of(list_name.rsplit(self.sep, 1)[0], self.fair_queues).queue

    def _told(self, queues: Iterable[str]) -> Consumed:
        """Return what is consumed; it changes with each tenant that comes or goes."""
        if self._consumed is None:
            fair, prefix = self.fair_queues, self.global_keyprefix
            stepped = {
                queue: [self._q_for_pri(queue, step) for step in self.priority_steps]
                for queue in queues
            }
            words = queue_words(stepped, fair, prefix)
            keys = (self.unacked_key, self.unacked_index_key)
            self._consumed = Consumed(prefix, *keys, words)
            self._wake_keys = tuple(f"{prefix}{key}" for key in wake_keys(stepped, fair))
        return self._consumed
