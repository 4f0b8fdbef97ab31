"""The transport of workers: the fleet's, and acknowledgements that no task waits for.

Made against kombu 5.7.0, whose private methods it overrides.
"""

import logging
from threading import Event, Lock
from typing import Any

import redis
from kombu.transport import virtual

from worker_image import transport
from worker_image.transport.qos import QoS as FleetQoS

TRANSPORT = "worker_image.worker_transport:Transport"
"""Celery's `broker_transport`."""

# A full worker looks so often, and so long, for what is no task, such as an operator's command.
_LOOK_S = 0.05
_GLANCE_S = 0.001

logger = logging.getLogger(__name__)


class QoS(FleetQoS):
    """What a worker holds; it sends an acknowledgement, and reads the answers later.

    With late acknowledgement a slot would else stand still for a round trip after each task. Where
    the answers do not come, the acknowledgement is sent again, as kombu does, and waited for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        super().__init__(*args, **kwargs)
        # Pool threads acknowledge as well.
        self._lock = Lock()
        self._connection: Any = None
        self._unanswered: str | None = None

    def append(self, message: Any, delivery_tag: str) -> None:  # noqa: ANN401 - kombu's Message
        """Record a message as held; by then the answers are there, and no slot waits for them."""
        super().append(message, delivery_tag)
        self.settle()

    def ack(self, delivery_tag: str) -> None:
        """Let go of a message whose task has ended."""
        with self._lock:
            self._settle()
            try:
                self._send(delivery_tag)
            except redis.RedisError:
                self._hang_up()
                super().ack(delivery_tag)
            else:
                self._unanswered = delivery_tag
                virtual.QoS.ack(self, delivery_tag)
        self.channel.connection.room.set()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's
        """Forget a message, or put it behind what waits."""
        super().reject(delivery_tag, requeue)
        self.channel.connection.room.set()

    def settle(self) -> None:
        """Read the answers to the last acknowledgement."""
        with self._lock:
            self._settle()

    def _send(self, delivery_tag: str) -> None:
        if self._connection is None:
            self._connection = self.channel.pool.get_connection()
        prefix = self.channel.global_keyprefix
        # The index last: a message that is still in it, but not held, is passed over.
        commands = [
            ("HDEL", f"{prefix}{self.unacked_key}", delivery_tag),
            ("ZREM", f"{prefix}{self.unacked_index_key}", delivery_tag),
        ]
        self._connection.send_packed_command(self._connection.pack_commands(commands))

    def _settle(self) -> None:
        delivery_tag, self._unanswered = self._unanswered, None
        if delivery_tag is None:
            return
        try:
            for _ in range(2):
                self._connection.read_response()
        except redis.RedisError:
            self._hang_up()
            try:
                self._remove_from_indices(delivery_tag).execute()
            except redis.RedisError as error:
                logger.warning("an acknowledgement was lost, its message comes again: %s", error)

    def _hang_up(self) -> None:
        """Answers that are still on their way would be taken for those of the next one."""
        if self._connection is not None:
            self._connection.disconnect()


class Channel(transport.Channel):
    """The fleet's channel, which keeps its client."""

    QoS = QoS
    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's
        """Keep one client for the channel's pool; kombu makes one for each command.

        Making two was a tenth of a worker's time for a task that does nothing (redis-py 8.1).
        """
        if asynchronous:
            return super()._create_client(asynchronous)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()
        return self._kept

    def close(self) -> None:
        """Close, but not before Redis has read the last acknowledgement."""
        if self._qos is not None:
            self._qos.settle()
        super().close()


class Transport(transport.Transport):
    """The fleet's transport over these channels."""

    Channel = Channel

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's
        super().__init__(*args, **kwargs)
        self.room = Event()
        """Set when a message was let go of."""

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:  # noqa: ANN401 - likewise
        """Wait for what arrives; a full worker waits for a slot as well.

        Only green pools come here. Celery's loop waits two seconds, and kombu asks for messages at
        the beginning of a wait: a worker that took none ahead did one task a slot in two seconds.
        """
        self.room.clear()
        if self._full():
            self.room.wait(_LOOK_S)
            if self._full():
                timeout = _GLANCE_S
        super().drain_events(connection, timeout=timeout)

    def _full(self) -> bool:
        channels = self.cycle._channels  # noqa: SLF001 - kombu has no other
        return any(each.active_queues and not each.qos.can_consume() for each in channels)
