"""A worker that drains: what it gives back at once, and what it would wait for in vain."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any

from billiard import pool as billiard_pool
from billiard.einfo import ExceptionInfo
from celery import Celery, bootsteps
from celery.concurrency.thread import ApplyResult
from celery.concurrency.thread import TaskPool as ThreadPool
from celery.worker import state

from worker_image.request import ending_tags

_EXIT_WAIT_S = 3.0

logger = logging.getLogger(__name__)


class GiveBack(bootsteps.StartStopStep):
    """Puts messages whose task has not begun back in their queues, before the running ones end.

    Celery does it after that: behind a task of an hour, messages that were held for a free slot or
    for their ETA would wait that hour, and no other worker would see them.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:  # noqa: ANN401 - Celery's Consumer
        """Let what a pool of threads was given be taken back; at a reconnect it is so already."""
        pool = consumer.pool
        if isinstance(pool, ThreadPool) and "on_apply" not in vars(pool):
            pool.on_apply = keeping(pool.on_apply)

    def stop(self, consumer: Any) -> None:  # noqa: ANN401 - Celery's Consumer
        """Give back once, when the worker ends; after a lost connection there is no way to."""
        if state.should_stop is None or consumer.task_consumer is None:
            return
        channel = consumer.task_consumer.channel
        # What Redis has popped, or recorded as held, before anything is given back.
        channel.end_poll()
        held = waiting(channel.qos)
        # The last one first: each goes before what waits, so the first one is first again. A reject
        # would put it behind what waits (kombu 5.7.0).
        for tag in reversed(held):
            channel.qos.give_back(tag)
        if held:
            logger.info("given back %d messages whose tasks had not begun", len(held))


def connect(app: Celery) -> None:
    """Give messages back, and let a process of the pool end soon.

    Without leases a worker that reconnects forgets a task that it had handed over a moment before;
    its process runs it, and at the end waits 30 s for its result to be taken (billiard 4.3, no
    setting), and with it the pod.
    """
    tries = _EXIT_WAIT_S / billiard_pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL
    billiard_pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = round(tries)
    app.steps["consumer"].add(GiveBack)


def keeping(apply: Callable[..., ApplyResult]) -> Callable[..., ApplyResult]:
    """Return a pool's own way to take on a task, with what it gave for it kept until it ends.

    A request knows that only by a weak reference, and nothing else of Celery's holds it; nor does
    Celery learn of an error beside the task's own (Celery 5.7.0), and the message would be held for
    ever.
    """
    kept: dict[Future[Any], ApplyResult] = {}

    def applied(*args: Any, **kwargs: Any) -> ApplyResult:  # noqa: ANN401 - Celery's
        result = apply(*args, **kwargs)
        kept[result.f] = result
        result.f.add_done_callback(kept.pop)
        if (failed := kwargs.get("error_callback")) is not None:
            result.f.add_done_callback(partial(_tell_error, failed))
        return result

    return applied


def _tell_error(failed: Callable[[ExceptionInfo], object], future: "Future[Any]") -> None:
    """Tell an error that the task's own handling did not; as a pool of processes does."""
    error = None if future.cancelled() else future.exception()
    # What is taken back before it begins ends by an exception that is none of these.
    if isinstance(error, Exception):
        logger.error("a task's end failed", exc_info=error)
        failed(ExceptionInfo((type(error), error, error.__traceback__)))


def waiting(qos: Any) -> list[str]:  # noqa: ANN401 - kombu's QoS
    """Return the delivery tags of messages whose tasks have not begun, in the order they came.

    Kombu keeps a message that is acknowledged until the next one comes (5.7.0), and the server may
    learn of that later than of its return: a task that has ended would run again.
    """
    # In the order in which a task that ends goes from the first of these to the last.
    begun_by_now = set(begun(state.requests.values()))
    ending = ending_tags()
    ended = qos._dirty  # noqa: SLF001 - kombu has no other
    gone = begun_by_now | ending | ended
    return [tag for tag in qos._delivered if tag not in gone]  # noqa: SLF001 - likewise


def begun(requests: Iterable[Any]) -> Iterable[str]:
    """Return the delivery tags of requests that run, or that the pool cannot be kept from."""
    for request in requests:
        if request in state.active_requests or not _withdrawn(request):
            yield request.message.delivery_tag


def _withdrawn(request: Any) -> bool:  # noqa: ANN401 - Celery's Request
    """Keep the pool from a task; False where it may have begun."""
    submitted = request._apply_result  # noqa: SLF001 - a weak reference; None before it is submitted
    if submitted is None:
        return True
    if (job := submitted()) is None:
        return False
    if (future := getattr(job, "f", None)) is not None:  # pool threads
        return bool(future.cancel())
    if not hasattr(job, "_scheduled_for") or job._scheduled_for or job._write_to or job._accepted:  # noqa: SLF001 - billiard's ApplyResult
        return False
    job.discard()
    return True
