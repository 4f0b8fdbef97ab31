"""Loaded into a worker with `-I`: a task that sends two chains of itself, and bears a refusal."""

from contextlib import suppress

from celery import chain, current_task

from worker_image.room import QueueFullError
from worker_image.tasks.declare import fleet_task

NAME = "tests.rehearsal.chain_bomb.split"


@fleet_task(name=NAME)
def split() -> None:
    """Ends well, so that the rest of its own chain is handed on."""
    step = split.si().set(queue=current_task.request.delivery_info["routing_key"])
    for _ in range(2):
        with suppress(QueueFullError):
            chain(step, step).apply_async()
