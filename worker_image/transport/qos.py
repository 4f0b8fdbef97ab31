"""What a worker holds: the in-flight hash, into which a message passes without being uncounted."""

from time import time
from typing import Any

from kombu.transport import redis, virtual
from kombu.utils.json import dumps

from worker_image.transport.marks import write


class QoS(redis.QoS):
    """Kombu's own, which also takes the mark of a message that it records as held."""

    def append(self, message: Any, delivery_tag: str) -> None:  # noqa: ANN401 - kombu's Message
        """Record a message as held."""
        delivery = message.delivery_info
        marks = self.channel.marks(delivery["exchange"], delivery["routing_key"])
        if marks is None:
            super().append(message, delivery_tag)
            return
        held = dumps([message._raw, delivery["exchange"], delivery["routing_key"]])  # noqa: SLF001 - as kombu stores it
        with self.pipe_or_acquire() as pipe:
            pipe.zadd(self.unacked_index_key, {delivery_tag: time()})
            pipe.hset(self.unacked_key, delivery_tag, held)
            write(pipe, marks.removed(delivery_tag))
            pipe.execute()
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Forget a message whose task has ended."""
        super().ack(delivery_tag)
        self.made_room()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's
        """Forget a message, or put it behind what waits."""
        super().reject(delivery_tag, requeue)
        self.made_room()

    def made_room(self) -> None:
        """Tell a pool that waits for a slot; a closed channel has nobody to tell."""
        if (transport := self.channel.connection) is not None:
            transport.room.set()

    def give_back(self, tag: str) -> None:
        """Put a message in front of what waits; nobody has begun with it.

        A reject would put it behind what waits (kombu 5.7.0).
        """
        self.restore_by_tag(tag)
        virtual.QoS.ack(self, tag)
