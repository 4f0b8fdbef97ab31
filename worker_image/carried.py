"""Requests that have begun, kept where Celery would forget them while their tasks run."""

from collections.abc import Callable
from typing import Any

from billiard.pool import ApplyResult
from celery.worker import state

from worker_image import drain


class Carried:
    """The requests that have begun, kept over the loss of a connection or the consumer's end.

    Celery drops what its pool has not reported as begun; a process may have it all the same, and
    its end would go unheard (Celery 5.7.0, `Consumer.on_close` and `AsynPool.flush`).
    """

    def __init__(self, pool: Any) -> None:  # noqa: ANN401 - of Celery's kinds of pool
        """Keep the pool from what it can be kept from; the rest is carried."""
        requests = list(state.requests.values())
        begun = set(drain.begun(requests))
        self._pool = pool
        self._requests = [r for r in requests if r.message.delivery_tag in begun]
        self._jobs = [job for r in self._requests if isinstance(job := _job(r), ApplyResult)]
        self.tags = begun

    def around(self, forget: Callable[[], None]) -> None:
        """Let Celery forget what it held, but not these."""
        self._write_all()
        forget()
        for job in self._jobs:
            if not job.ready():
                job._cache[job._job] = job  # noqa: SLF001 - as billiard does when it makes one
        for request in self._requests:
            if request not in state.active_requests:
                state.task_reserved(request)

    def _write_all(self) -> None:
        """End what is on its way to a process: half a task would keep that waiting for ever."""
        for job in self._jobs:
            told = getattr(job, "_writer", None)  # a weak reference
            if told is not None and (writer := told()) is not None:
                self._pool._pool._flush_writer(job._write_to, writer)  # noqa: SLF001 - as its flush does


def _job(request: Any) -> Any:  # noqa: ANN401 - Celery's Request, billiard's ApplyResult
    submitted = request._apply_result  # noqa: SLF001 - a weak reference; None before it is submitted
    return None if submitted is None else submitted()
