"""Where a task begins: not while another worker may have its message by now.

A process that was frozen or cut off for longer than the visibility timeout still holds messages
that wait for their ETA, a slot or a rate limit. Whether the lease on one is sure is a look at the
clock; where it is not, the server is asked first, and what is lost is dropped.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from celery.concurrency.thread import TaskPool as ThreadPool
from celery.worker import state
from greenlet import GreenletExit

from worker_image.transport.lease import Lease

logger = logging.getLogger(__name__)


class Beginning:
    """Hands a consumer's tasks to its pool, each once its lease is sure."""

    def __init__(self, consumer: Any) -> None:  # noqa: ANN401 - Celery's Consumer
        """Stand between the consumer's requests and its pool, before they know that."""
        self.lease: Lease | None = None
        self._consumer = consumer
        self._waiting: deque[Any] = deque()
        pool = consumer.pool
        # There a task may wait for a slot after it was handed over.
        self._waits_in_pool = pool.is_green or isinstance(pool, ThreadPool)
        self._hand_over: Callable[..., Any] = pool.apply_async
        pool.apply_async = self._apply

    def renewed(self, lost: Collection[str]) -> None:
        """Learn, in any thread, that the server was asked, and of which tags it knew no more."""
        if lost or self._waiting:
            self._consumer.call_soon(self._look, lost)

    def _apply(self, *args: Any, accept_callback: Any, **options: Any) -> Any:  # noqa: ANN401 - Celery's
        """Hand over; None, as of a pool that is closed, where that has to wait."""
        request = accept_callback.__self__
        if not self._is_sure(request):
            return None
        accepted = partial(self._accept, request) if self._waits_in_pool else accept_callback
        return self._hand_over(*args, accept_callback=accepted, **options)

    def _accept(self, request: Any, *told: Any) -> None:  # noqa: ANN401 - Celery's Request
        """Begin, in a thread or greenlet of the pool."""
        if not self._is_sure(request):
            request._apply_result = None  # noqa: SLF001 - as before it was handed over
            # A greenlet ends by it without a word, and so does a thread's future.
            raise GreenletExit
        request.on_accepted(*told)

    def _is_sure(self, request: Any) -> bool:  # noqa: ANN401 - likewise
        lease, tag = self.lease, request.message.delivery_tag
        if lease is None or lease.is_sure(tag):
            return True
        self._waiting.append(request)
        if lease.is_lost(tag):
            self._consumer.call_soon(self._look)
        else:
            logger.info("task %s[%s] waits: its lease is renewed first", request.name, request.id)
            lease.ask()
        return False

    def _look(self, lost: Collection[str] = ()) -> None:
        """Go on with what waits, and drop what is lost; in the consumer's thread, as all below."""
        for _ in range(len(self._waiting)):
            # Not here: a green pool holds up whoever hands over until it has a slot.
            self._consumer.timer.call_after(0, self._again, (self._waiting.popleft(),))
        for request in _held(self._consumer) if lost else ():
            begun = request in state.active_requests or request._apply_result is not None  # noqa: SLF001 - a weak reference; None before it is handed over
            if request.message.delivery_tag in lost and not begun:
                self._drop(request)

    def _again(self, request: Any) -> None:  # noqa: ANN401 - likewise
        # Celery forgets it with a lost connection.
        known, controller = request in state.reserved_requests, self._consumer.controller
        lost = self.lease is None or self.lease.is_lost(request.message.delivery_tag)
        if known and not lost:
            controller._process_task(request)  # noqa: SLF001 - as it begins what waited for a slot
            return
        if known:
            self._drop(request)
        # Its slot, which green pools do not count.
        getattr(controller, "_quick_release", lambda: None)()

    def _drop(self, request: Any) -> None:  # noqa: ANN401 - likewise
        told = (request.name, request.id)
        logger.warning("task %s[%s] is not begun: another worker may have its message", *told)
        limited = _taken(self._consumer.task_buckets[request.task.name], request)
        if not limited and request in state.scheduled_requests:
            self._consumer.timer.cancel(request._eta_timer_entry)  # noqa: SLF001 - as Celery does
            self._consumer.qos.decrement_eventually()
        # A later delivery of the same task may be known under its id.
        if state.requests.get(request.id) is request:
            del state.requests[request.id]
        state.reserved_requests.discard(request)
        state.scheduled_requests.discard(request)
        request.message.channel.qos.forget(request.message.delivery_tag)


def limited(consumer: Any) -> Iterator[Any]:  # noqa: ANN401 - Celery's Consumer
    """Yield the requests that wait for their rate limit."""
    buckets = [bucket for bucket in list(consumer.task_buckets.values()) if bucket]
    return (request for bucket in buckets for request, _ in list(bucket.contents))


def _held(consumer: Any) -> set[Any]:  # noqa: ANN401 - likewise
    """Every request; a pool's threads may end some while they are read."""
    while True:
        try:
            kept: Iterable[Any] = chain(state.scheduled_requests, state.reserved_requests)
            return {*kept, *limited(consumer)}
        except RuntimeError:
            continue


def _taken(bucket: Any, request: Any) -> bool:  # noqa: ANN401 - kombu's TokenBucket; likewise
    """Take a request out of those that wait for a rate limit, if it is there."""
    for waiting in list(bucket.contents) if bucket else ():
        if waiting[0] is request:
            bucket.contents.remove(waiting)
            return True
    return False
