"""Celery's consumer, alive to probes while it waits for the broker; it drops no message unread."""

import logging
from collections.abc import Callable
from typing import Any

from celery.worker import state
from celery.worker.consumer import Consumer as CeleryConsumer
from kombu import Connection

from worker_image import leases, logs, poison, task_message
from worker_image.carried import Carried
from worker_image.heartbeat import of_this_process
from worker_image.malformed import CONTENT_ERRORS, MalformedError
from worker_image.transport.lease_channel import LeaseChannel

# Kombu's default is 30 s, which a broker that is back since long would be waited for.
_RECONNECT_INTERVAL_MAX_S = 5


logger = logging.getLogger(__name__)


class Consumer(CeleryConsumer):
    """Beats between attempts to connect, when Celery's event loop stands still.

    Otherwise a broker outage longer than the liveness probe's patience would restart the whole
    fleet, and with it the tasks that run on.
    """

    carried: Carried | None = None
    """What had begun when the connection was lost the last time."""

    def connect(self) -> Connection:
        """Connect to a broker that can do what the fleet's transport asks of it."""
        connection = super().connect()
        leases.check(connection)
        return connection

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

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Let what has begun go on; without leases Celery puts all back that it holds."""
        if self.task_consumer and getattr(self.task_consumer.channel.qos, "lease", None):
            self.task_consumer.channel.do_restore = False
            self.carried = Carried(self.pool)
        super().on_connection_error_after_connected(exc)

    def on_close(self) -> None:
        """Forget what has not begun; of a connection lost without leases, all."""
        carried = Carried(self.pool) if _ends() else self.carried
        if carried is None:
            super().on_close()
        else:
            carried.around(super().on_close)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:  # noqa: ANN401 - Celery's
        """Refuse what is malformed, and let log lines about a message tell its queue."""
        handle = super().create_task_handler(*args, **kwargs)
        channel = self.task_consumer.channel
        if isinstance(channel, LeaseChannel):
            channel.on_refused = poison.of_this_process().on_park

        def telling(message: Any) -> None:  # noqa: ANN401 - kombu's Message
            with logs.about(message):
                try:
                    task_message.check(message)
                except MalformedError as error:
                    self._refuse(message, str(error))
                    return
                try:
                    handle(message)
                except CONTENT_ERRORS as error:
                    if message.acknowledged or _is_begun(message):
                        raise
                    logger.exception("Celery cannot make a request of a message")
                    self._refuse(message, f"Celery refuses it: {type(error).__name__}: {error}")

        return telling

    def _refuse(self, message: Any, reason: str) -> None:  # noqa: ANN401 - kombu's Message
        poison.of_this_process().refuse(message, reason)
        message.reject_log_error(logger, self.connection_errors)

    def on_unknown_message(self, body: object, message: Any) -> None:  # noqa: ANN401 - likewise
        """Park what is no task at all; here and below Celery takes it out of the queue."""
        poison.of_this_process().park_unread(message, "no task message")
        super().on_unknown_message(body, message)

    def on_unknown_task(self, body: object, message: Any, exc: Exception) -> None:  # noqa: ANN401 - likewise
        """Park a task that a newer producer sent to an older worker."""
        poison.of_this_process().park_unread(message, f"no such task in this image: {exc}")
        super().on_unknown_task(body, message, exc)

    def on_invalid_task(self, body: object, message: Any, exc: Exception) -> None:  # noqa: ANN401 - likewise
        """Park a task whose headers say what cannot be."""
        poison.of_this_process().park_unread(message, f"invalid task message: {exc}")
        super().on_invalid_task(body, message, exc)

    def on_decode_error(self, message: Any, exc: Exception) -> None:  # noqa: ANN401 - likewise
        """Park what is not JSON; of remote control, which nobody waits for, nothing is kept."""
        if self.task_consumer is None or message.channel is not self.task_consumer.channel:
            logger.warning("remote control: a message cannot be decoded: %s", exc)
            return
        poison.of_this_process().park_unread(message, f"cannot be decoded: {exc}")
        super().on_decode_error(message, exc)


def _is_begun(message: Any) -> bool:  # noqa: ANN401 - kombu's Message
    """Whether Celery has a request of a message by now, which will settle it."""
    return any(request.message is message for request in list(state.requests.values()))


def _ends() -> bool:
    return state.should_stop is not None or state.should_terminate is not None
