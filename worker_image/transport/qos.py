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
