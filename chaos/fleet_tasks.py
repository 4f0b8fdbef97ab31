"""The campaign's tasks as the fleet declares tasks."""

from celery import current_task

from chaos import deed
from worker_image.tasks.declare import fleet_task


@fleet_task(name=deed.TASK)
def work(kind: str, seconds: float, blob: str = "") -> None:
    """Do the deed; `blob` only makes the message larger."""
    del blob
    request = current_task.request
    if deed.do(request.id, request.retries, kind, seconds):
        raise current_task.retry(countdown=deed.RETRY_S)


@fleet_task(name=deed.TICK_TASK)
def tick() -> None:
    """Tell the ledger that beat has sent this."""
    deed.ledger().tick(current_task.request.id)
