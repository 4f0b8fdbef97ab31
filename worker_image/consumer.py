"""Celery's consumer, alive to probes while it waits for the broker."""

from collections.abc import Callable

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu import Connection

from worker_image.heartbeat import of_this_process

# Kombu's default is 30 s, which a broker that is back since long would be waited for.
_RECONNECT_INTERVAL_MAX_S = 5


class Consumer(CeleryConsumer):
    """Beats between attempts to connect, when Celery's event loop stands still.

    Otherwise a broker outage longer than the liveness probe's patience would restart the whole
    fleet, and with it the tasks that run on.
    """

    def ensure_connected(self, conn: Connection) -> Connection:
        """Connect, trying again for ever; each second of waiting touches the heartbeat."""
        ensure = conn.ensure_connection
        beat_on = of_this_process().beat_on

        def beating(
            errback: Callable[..., None], max_retries: int | None, callback: Callable[[], None]
        ) -> Connection:
            def beat_and_look() -> None:
                beat_on()
                callback()

            return ensure(
                errback,
                max_retries,
                interval_max=_RECONNECT_INTERVAL_MAX_S,
                callback=beat_and_look,
            )

        conn.ensure_connection = beating
        try:
            return super().ensure_connected(conn)
        finally:
            del conn.ensure_connection
