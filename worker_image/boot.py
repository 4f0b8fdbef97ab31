"""What a process refuses to start with: whatever would strand, hide or lose messages."""

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from celery import Celery, signals

from worker_image import lint
from worker_image.routing import Router
from worker_image.settings import Settings


def problems(
    app: Celery, settings: Settings, router: Router, asked: Iterable[str] | None
) -> list[str]:
    """Return one line per reason not to start.

    Args:
        app: with every task module imported.
        settings: of this process.
        router: over the declared queues.
        asked: the queues of `-Q`; None stands for all.

    """
    tasks = sorted(app.tasks)
    return [
        *_queue_problems(settings, asked),
        *router.problems(tasks),
        *_idle_limits(settings, tasks),
        *_no_data(settings),
    ]


def connect(settings: Settings, app: Celery, router: Router) -> None:
    """Check at the start of each worker; a mistake ends it with one message, exit code 1."""

    def check(options: Mapping[str, object], instance: Any, **_: object) -> None:  # noqa: ANN401 - Celery's Worker
        asked = options.get("queues")
        found = problems(app, settings, router, asked if isinstance(asked, list | tuple) else None)
        start = lint.Start(app, settings, options, os.environ)
        _end_if([*found, *lint.worker_problems(start)])
        # Its banner is no log line; what it says is logged.
        instance.quiet = True

    signals.celeryd_init.connect(check, weak=False)


def check_publisher(settings: Settings, app: Celery) -> None:
    """Check beat or the API, with every task module imported; a mistake ends it likewise."""
    _end_if(lint.publisher_problems(lint.Start(app, settings, {}, os.environ)))


def _end_if(lines: list[str]) -> None:
    if lines:
        sys.exit("\n".join(["worker_image cannot start:", *lines]))


def _queue_problems(settings: Settings, asked: Iterable[str] | None) -> Iterable[str]:
    declared = settings.fleet.queues
    queues = set(declared) if asked is None else set(asked)
    if unknown := sorted(queues - set(declared)):
        yield f"-Q names {unknown}: no such queue, declared are {sorted(declared)}"
    if settings.worker is None:
        yield "FLEET_WORKER is not set: no scaler would count this worker's running tasks"
    elif not unknown and queues != set(settings.worker.queues):
        yield (
            f"-Q names {sorted(queues)}, but worker {settings.environment.worker!r} is declared "
            f"with {sorted(settings.worker.queues)}: its scaler would count other queues"
        )


def _idle_limits(settings: Settings, tasks: Iterable[str]) -> Iterable[str]:
    known = set(tasks)
    for queue, declared in settings.fleet.queues.items():
        for task in declared.rate_limits:
            if task not in known:
                yield f"queue {queue!r}: rateLimits names {task!r}, which is no task of this image"


def _no_data(settings: Settings) -> Iterable[str]:
    if not settings.environment.data_dir.is_dir():
        yield f"FLEET_DATA_DIR is '{settings.environment.data_dir}': no such directory"
