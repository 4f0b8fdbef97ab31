"""How a task is declared: its arguments are checked in the worker as they are in the API."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import shared_task

from worker_image.arguments import checked

# Also the pause after a pool process was lost; Celery's own is 180 s.
_RETRY_DELAY_S = 5
_RETRIES_MAX = 3


def fleet_task(**options: Any) -> Callable[[Callable[..., Any]], Any]:  # noqa: ANN401 - Celery's options
    """Declare a task; its arguments come by keyword. The options are Celery's."""
    limits = {"default_retry_delay": _RETRY_DELAY_S, "max_retries": _RETRIES_MAX}

    def declare(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - Celery's task
        @wraps(function)
        def run(**kwargs: object) -> Any:  # noqa: ANN401 - the task's own result
            return function(**checked(function, kwargs))

        return shared_task(**{**limits, **options})(run)

    return declare
