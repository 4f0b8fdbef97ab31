"""How a task is declared: its arguments are checked in the worker as they are in the API."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any

from celery import shared_task
from pydantic import Field

from worker_image import poison
from worker_image.arguments import checked
from worker_image.web_errors import WebAwayError

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
"""A file's name in one of the data folder's folders; never a path, never hidden."""

Url = Annotated[str, Field(min_length=1, max_length=2048)]

# For tasks that ask web servers: few retries, spread out.
WEB_RETRIES: Mapping[str, Any] = {
    "autoretry_for": (WebAwayError,),
    "retry_backoff": True,
    "retry_backoff_max": 60,
    "retry_jitter": True,
    "max_retries": 5,
}

# The pause after a pool process was lost; Celery's own is 180 s.
_RETRY_DELAY_S = 5


def fleet_task(**options: Any) -> Callable[[Callable[..., Any]], Any]:  # noqa: ANN401 - Celery's options
    """Declare a task; its arguments come by keyword. The options are Celery's.

    A task whose process is lost is sent again until it is parked, which is not Celery's to count.
    """
    limits = {
        "default_retry_delay": _RETRY_DELAY_S,
        "max_retries": None,
        "Request": "worker_image.request:Request",
    }

    def declare(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - Celery's task
        @wraps(function)
        def run(**kwargs: object) -> Any:  # noqa: ANN401 - the task's own result
            poison.check_running()
            return function(**checked(function, kwargs))

        return shared_task(**{**limits, **options})(run)

    return declare
