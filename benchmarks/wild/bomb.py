"""Loaded into a worker with `-I`: a task that sends two of itself."""

from celery import current_task

from worker_image.tasks.declare import fleet_task

NAME = "benchmarks.wild.bomb.split"


@fleet_task(name=NAME)
def split() -> None:
    """Send two of itself to the queue that it came from."""
    queue = current_task.request.delivery_info["routing_key"]
    for _ in range(2):
        split.apply_async(queue=queue)
