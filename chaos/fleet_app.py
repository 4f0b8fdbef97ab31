"""The worker image's own app, with all that it does, and the campaign's tasks beside its own."""

import os
from datetime import timedelta

from chaos import deed
from chaos.arms import BEAT_S, NEWER_VARIABLE
from worker_image.app import app

from chaos import fleet_tasks  # noqa: F401 - it declares them  # isort: skip

__all__ = ["app"]

deed.tell_ready()

if os.environ.get(NEWER_VARIABLE):
    from celery import shared_task

    shared_task(name=deed.NEWER_TASK)(deed.newer)

app.conf.beat_schedule = {
    "tick": {
        "task": deed.TICK_TASK,
        "schedule": timedelta(seconds=BEAT_S),
        "options": {"queue": app.conf.task_default_queue},
    }
}
