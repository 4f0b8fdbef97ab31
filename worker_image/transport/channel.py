"""How messages enter Redis: marked where their queue is fair, and waking a worker that waits."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import redis
from kombu.utils.json import dumps

from worker_image.malformed import CONTENT_ERRORS
from worker_image.transport import broadcast
from worker_image.transport.marks import Marks, marks_of, write
from worker_image.transport.qos import QoS
from worker_image.transport.wake import Command, woken

FAIR_QUEUES = "fair_queues"
"""Transport option: key of the marks by fair queue, both without key prefix."""

DELIVERY = "delivery"
"""Transport option: `lease` or `stock`, how messages reach workers; all processes agree on it."""
LEASE, STOCK = "lease", "stock"

# How Celery's exchange of remote control ends, whatever it is named before (kombu's pidbox).
_REMOTE_CONTROL = ".pidbox"

logger = logging.getLogger(__name__)


class Channel(redis.Channel):
    """A Redis channel that marks the waiting messages of fair queues; it consumes as kombu does.

    Made against kombu 5.7.0, whose private methods it overrides.
    """

    QoS = QoS
    fair_queues: Mapping[str, str] = {}
    delivery = LEASE
    from_transport_options = (*redis.Channel.from_transport_options, FAIR_QUEUES, DELIVERY)
    _kept: Any = None

    @property
    def fetching(self) -> bool:
        """Whether a message that was asked for may be on its way, and is recorded as held."""
        return False

    def marks(self, exchange: str, list_name: str) -> Marks | None:
        """Return where a message is marked; a named exchange leads to no tenant's list."""
        return None if exchange else marks_of(list_name, self.fair_queues)

    def end_poll(self) -> None:
        """Take what may already be on its way here, and ask for no more; it takes a second."""
        if self._in_poll:
            with suppress(Empty):
                self._brpop_read()

    def _receive_one(self, c: Any) -> Any:  # noqa: ANN401 - kombu's
        """Take one message of remote control; what is none of its kind is dropped, and told."""
        try:
            return super()._receive_one(c)
        except CONTENT_ERRORS as error:
            logger.warning("remote control: dropped, %s", error)
            return None

    def _deliver_fanout_message(self, message: Any, exchange: str) -> Any:  # noqa: ANN401 - likewise
        # Events, for whoever watches, come by an exchange of their own.
        if exchange.endswith(_REMOTE_CONTROL):
            broadcast.check(message)
        return super()._deliver_fanout_message(message, exchange)

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's
        """Keep one client for the channel's pool; kombu makes one for each message.

        Making it was a fifth of a publish's time (redis-py 8.1).
        """
        if asynchronous:
            return super()._create_client(asynchronous)
        kept = self._kept
        if kept is None or kept.connection_pool is not self.pool:
            kept = self._kept = super()._create_client()
        return kept

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        batch = kwargs.get("_publish_batch")
        if queue in self._expires:
            super()._put(queue, message, **kwargs)
            return
        marks = self.marks("", queue)
        marked = () if marks is None else marks.added(message["properties"]["delivery_tag"])
        priority = self._get_message_priority(message, reverse=False)
        pushed: Command = ("lpush", self._q_for_pri(queue, priority), dumps(message))
        # The mark comes first, so that what waits is marked even without a transaction.
        commands = (*marked, pushed, *self._woken(queue, message))
        if batch is not None:
            for command in commands:
                batch.add(*command)
            return
        with self.conn_or_acquire() as client, client.pipeline(bool(marked)) as pipe:
            write(pipe, *commands)
            pipe.execute()

    def _do_restore_message(
        self,
        payload: dict[str, Any],
        exchange: str,
        routing_key: str,
        pipe: Any,  # noqa: ANN401 - redis-py's pipeline
        leftmost: bool = False,  # noqa: FBT001, FBT002 - kombu's signature
    ) -> None:
        """Put a message back; every path of it comes here, within a transaction.

        Its delivery tag is a new one: who held it before can tell that another worker has it now.
        """
        payload["properties"]["delivery_tag"] = self._next_delivery_tag()
        marks = self.marks(exchange, routing_key)
        if marks is not None:
            write(pipe, *marks.added(payload["properties"]["delivery_tag"]))
        super()._do_restore_message(payload, exchange, routing_key, pipe, leftmost)
        if not exchange:
            write(pipe, *self._woken(routing_key, payload))

    def _woken(self, queue: str, message: Mapping[str, Any]) -> tuple[Command, ...]:
        if self.delivery == STOCK:
            return ()
        delivery = message["properties"].get("delivery_info") or {}
        return woken(queue, str(delivery.get("exchange") or ""), self.fair_queues)

    def _q_for_pri(self, queue: str, pri: int) -> str:
        """Name the list of a priority; a fair queue has none."""
        name: str = queue if self.marks("", queue) else super()._q_for_pri(queue, pri)
        return name

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Ask for the next message of any list, each list named once."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        if not queues:
            return
        command = ["BRPOP", *self._lists(queues), timeout or self.brpop_timeout or 0]
        # Kombu's own from here; above it would name a tenant's list once for each step.
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        if self.global_keyprefix:
            command = self.client._prefix_args(command)  # noqa: SLF001 - as kombu does
        self.client.connection.send_command(*command)

    def _lists(self, queues: Sequence[str]) -> list[str]:
        """Name the lists of these queues in the order of serving, each once."""
        stepped = [queue for queue in queues if not self._is_fair(queue)]
        steps = self.priority_steps[1:]
        return [*queues, *(self._q_for_pri(queue, step) for step in steps for queue in stepped)]

    def _is_fair(self, queue: str) -> bool:
        """Whether a consumed list is a fair queue's; a thousand are asked for each task."""
        return queue in self.fair_queues or queue.rpartition(".")[0] in self.fair_queues
