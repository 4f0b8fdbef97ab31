"""A Celery app as its documentation has it: late acknowledgement, one visibility timeout, no more.

Transport, prefetch, retries of publishing, restoring and scheduler are Celery's own defaults.
"""

import os
from datetime import timedelta
from typing import Any

from celery import Celery

from chaos import deed
from chaos.arms import BEAT_QUEUE, BEAT_S, NEWER_VARIABLE, VISIBILITY_S

app = Celery("stock")
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    broker_transport_options={"visibility_timeout": VISIBILITY_S},
    beat_schedule={
        "tick": {
            "task": deed.TICK_TASK,
            "schedule": timedelta(seconds=BEAT_S),
            "options": {"queue": BEAT_QUEUE},
        }
    },
)


@app.task(name=deed.TASK, bind=True)  # type: ignore[untyped-decorator]  # Celery has no types
def work(self: Any, kind: str, seconds: float, blob: str = "") -> None:  # noqa: ANN401 - Celery's
    """Do the deed; `blob` only makes the message larger."""
    del blob
    if deed.do(self.request.id, self.request.retries, kind, seconds):
        raise self.retry(countdown=deed.RETRY_S)


@app.task(name=deed.TICK_TASK, bind=True)  # type: ignore[untyped-decorator]  # Celery has no types
def tick(self: Any) -> None:  # noqa: ANN401 - Celery's
    """Tell the ledger that beat has sent this."""
    deed.ledger().tick(self.request.id)


deed.tell_ready()

if os.environ.get(NEWER_VARIABLE):
    app.task(name=deed.NEWER_TASK)(deed.newer)
