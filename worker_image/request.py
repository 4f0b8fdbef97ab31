"""Celery's request: whose message keeps its lease while its end is told, and is parked if it can't.

What a message asks for after its task, as a chord to be joined, may fail where Celery tells the
end itself (5.7.0): nothing would settle the message any more, and its lease would go on for ever.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.worker.request import Request as CeleryRequest

from worker_image import poison

_ending: set[str] = set()
logger = logging.getLogger(__name__)


class Request(CeleryRequest):
    """A request that comes to an end of some kind."""

    def on_failure(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Celery's
        """Tell a failure; where that fails too, park the message."""
        try:
            with _telling(self.message):
                return super().on_failure(*args, **kwargs)
        except MemoryError:
            raise
        except Exception as error:
            if self.acknowledged:
                logger.exception("task %s[%s] has ended, not all that follows", self.name, self.id)
                return None
            told = f"its end cannot be told: {type(error).__name__}: {error}"
            poison.of_this_process().park_unread(self.message, told)
            self.reject(requeue=False)
            return None

    def on_timeout(self, soft: bool, timeout: float) -> None:  # noqa: FBT001 - Celery's
        """Tell that a time limit has passed."""
        with _telling(self.message):
            super().on_timeout(soft, timeout)


def ending_tags() -> set[str]:
    """Return the tags of messages whose end is being told.

    Celery forgets a request first and stores its end then (5.7.0), which takes until the result
    store answers: a lease that ended meanwhile would have the task run again.
    """
    return _ending.copy()


@contextmanager
def _telling(message: Any) -> Iterator[None]:  # noqa: ANN401 - kombu's Message
    _ending.add(message.delivery_tag)
    try:
        yield
    finally:
        _ending.discard(message.delivery_tag)
