"""How a pool without Celery's event loop waits: for a message, and for a slot to run it."""

from threading import Event
from typing import Any

from kombu.transport import redis

# A full worker looks so often, and so long, for what is no task, such as an operator's command.
_LOOK_S = 0.05
_GLANCE_S = 0.001


class SlotTransport(redis.Transport):
    """Kombu's, which notices a free slot while it waits."""

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
