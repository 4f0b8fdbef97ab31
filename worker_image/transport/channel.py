"""How messages of fair queues enter and leave Redis; all others go as kombu sends them."""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from kombu.transport import redis
from kombu.utils.json import dumps

from worker_image.transport.marks import Marks, marks_of, write
from worker_image.transport.qos import QoS

FAIR_QUEUES = "fair_queues"
"""Transport option: key of the marks by fair queue, both without key prefix."""


class Channel(redis.Channel):
    """A Redis channel that marks the waiting messages of fair queues.

    Made against kombu 5.7.0, whose private methods it overrides.
    """

    QoS = QoS
    fair_queues: Mapping[str, str] = {}
    from_transport_options = (*redis.Channel.from_transport_options, FAIR_QUEUES)

    def marks(self, exchange: str, list_name: str) -> Marks | None:
        """Return where a message is marked; a named exchange leads to no tenant's list."""
        return None if exchange else marks_of(list_name, self.fair_queues)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        marks = self.marks("", queue)
        if marks is None:
            super()._put(queue, message, **kwargs)
            return
        added = marks.added(message["properties"]["delivery_tag"])
        pushed = ("lpush", queue, dumps(message))
        batch = kwargs.get("_publish_batch")
        if batch is not None:
            # No transaction: the mark comes first, so that what waits is marked.
            for command in (*added, pushed):
                batch.add(*command)
            return
        with self.conn_or_acquire() as client, client.pipeline() as pipe:
            write(pipe, *added, pushed)
            pipe.execute()

    def _do_restore_message(
        self,
        payload: dict[str, Any],
        exchange: str,
        routing_key: str,
        pipe: Any,  # noqa: ANN401 - redis-py's pipeline
        leftmost: bool = False,  # noqa: FBT001, FBT002 - kombu's signature
    ) -> None:
        """Put a message back; every path of it comes here, within a transaction."""
        marks = self.marks(exchange, routing_key)
        if marks is not None:
            write(pipe, *marks.added(payload["properties"]["delivery_tag"]))
        super()._do_restore_message(payload, exchange, routing_key, pipe, leftmost)

    def _q_for_pri(self, queue: str, pri: int) -> str:
        """Name the list of a priority; a fair queue has none."""
        name: str = queue if self.marks("", queue) else super()._q_for_pri(queue, pri)
        return name

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Ask for the next message of any list, each list named once."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        if not queues:
            return
        stepped = [queue for queue in queues if not self._is_fair(queue)]
        steps = self.priority_steps[1:]
        later = (self._q_for_pri(queue, step) for step in steps for queue in stepped)
        command = ["BRPOP", *queues, *later, timeout or self.brpop_timeout or 0]
        # Kombu's own from here; above it would name a tenant's list once for each step.
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        if self.global_keyprefix:
            command = self.client._prefix_args(command)  # noqa: SLF001 - as kombu does
        self.client.connection.send_command(*command)

    def _is_fair(self, queue: str) -> bool:
        """Whether a consumed list is a fair queue's; a thousand are asked for each task."""
        return queue in self.fair_queues or queue.rpartition(".")[0] in self.fair_queues


class Transport(redis.Transport):
    """Kombu's Redis transport over these channels."""

    Channel = Channel
