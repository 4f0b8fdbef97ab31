"""Celery's request, which parks a message whose end cannot be told.

What a message asks for after its task, as a chord to be joined, may fail where Celery tells the
end itself (5.7.0): nothing would settle the message any more, and its lease would go on for ever.
"""

import logging
from typing import Any

from celery.worker.request import Request as CeleryRequest

from worker_image import poison

logger = logging.getLogger(__name__)


class Request(CeleryRequest):
    """A request that comes to an end of some kind."""

    def on_failure(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Celery's
        """Tell a failure; where that fails too, park the message."""
        try:
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
