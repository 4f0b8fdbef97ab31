"""What one queue holds: the tasks routed to it, their order and their pace."""

from collections.abc import Mapping

from infra.models.base import Spec
from infra.models.types import Priority, RateLimit, RouteGlob


class QueueSpec(Spec):
    """One queue; who serves it is a worker's matter."""

    routes: tuple[RouteGlob, ...] = ()
    """Tasks sent here, by name or glob."""
    priorities: bool = False
    """Whether messages may carry a priority; then four lists are kept, and counted."""
    priority: Priority = 5
    """Priority of a message that asks for none, where the queue has priorities."""
    rate_limits: Mapping[str, RateLimit] = {}
    """Celery's `rate_limit` by task name; it holds for each worker process."""
