"""How every task is sent, by whatever path: tried until Redis has answered, within bounds.

Kombu's own retries do not bear a failover (5.7.0, measured): a publisher whose connection is new
gives up after 5 s whatever the policy says, and an error that Redis itself tells (READONLY of an
old primary, LOADING of a new one) is tried again at once, so that the tries are over within a
moment.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import redis
from kombu.exceptions import OperationalError
from kombu.utils.functional import retry_over_time

from worker_image.once import writing

# Of connecting, and of each answer; a publisher waits for no BRPOP.
CONNECT_TIMEOUT_S = 3
ANSWER_TIMEOUT_S = 5
# No try begins later: with the last try a publish ends within 75 s.
TRIED_FOR_S = 60

OPTIONS: Mapping[str, object] = {
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "socket_timeout": ANSWER_TIMEOUT_S,
    # Kombu's own tries to connect, within each of ours.
    "max_retries": 0,
}
"""Transport options of connections that publish."""

# Kombu counts KeyError among them, which would have a mistake in the code tried for a minute.
_PASSING = (OperationalError, redis.RedisError, OSError)
_WAITS = ("max_retries", "interval_start", "interval_step", "interval_max")

Send = Callable[..., Any]

logger = logging.getLogger(__name__)


class PatientProducer:
    """A kombu producer whose publish waits out a broker that is away."""

    def __init__(self, producer: Any) -> None:  # noqa: ANN401 - kombu's Producer
        self._producer = producer

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - likewise
        return getattr(self._producer, name)

    def publish(
        self,
        body: object,
        *,
        retry: bool = False,
        retry_policy: Mapping[str, Any] | None = None,
        **rest: Any,  # noqa: ANN401 - likewise
    ) -> Any:  # noqa: ANN401 - likewise
        """Publish, and again on a new connection after each wait of the policy.

        Raises:
            OperationalError, redis.RedisError, OSError: of the last try.

        """
        with writing():
            if not retry:
                return self._producer.publish(body, **rest)
            policy = retry_policy or {}
            return retry_over_time(
                self._producer.publish,
                _PASSING,
                args=(body,),
                kwargs=rest,
                errback=self._connect_anew,
                timeout=TRIED_FOR_S,
                **{name: policy[name] for name in _WAITS if name in policy},
            )

    def _connect_anew(self, error: Exception, waits_s: Iterator[float], retries: int) -> float:
        """Forget the connection: after a failover its address may be another server's."""
        wait_s = next(waits_s)
        logger.warning("not sent, try %d follows in %.1f s: %s", retries + 2, wait_s, error)
        connection = self._producer.connection
        connection.collect()
        self._producer.revive(connection)
        return wait_s


def patient(send: Send) -> Send:
    """Return Celery's `send_task_message`, by producers that are patient."""

    def sent(producer: Any, name: str, message: Any, **options: Any) -> Any:  # noqa: ANN401 - Celery's
        return send(PatientProducer(producer), name, message, **options)

    return sent
