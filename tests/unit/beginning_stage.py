"""A worker whose requests begin, wait or are dropped, over a server that a test moves."""

import time
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from celery.worker import state
from kombu.asynchronous.semaphore import LaxBoundedSemaphore
from kombu.asynchronous.timer import Timer
from kombu.common import QoS

from tests.unit.lease_stage import Clock, Request, Server
from worker_image.beginning import Beginning
from worker_image.transport.lease import Lease

VISIBILITY_S = 8
FROZEN_S = 9


class Held(Request):
    """Celery's request, which its pool tells that it has begun."""

    def on_accepted(self, *_: object) -> None:
        state.active_requests.add(self)


class Processes:
    """Stands in for a pool of processes."""

    is_green = False

    def __init__(self) -> None:
        self.handed: list[str] = []

    def apply_async(self, tag: str, **_: object) -> str:
        self.handed.append(tag)
        return tag


class Worker:
    """What a request meets between its message and its pool; one slot, the loop turned by hand."""

    def __init__(self, pool: Any, clock: Clock) -> None:
        self.clock = clock
        self.server = Server()
        self.soon: deque[Callable[[], object]] = deque()
        self.semaphore = LaxBoundedSemaphore(1)
        self.controller = SimpleNamespace(
            _process_task=self.process, _quick_release=self.semaphore.release
        )
        self.pool = pool
        self.timer = Timer()
        self.qos = QoS(lambda **_: None, 1)
        self.task_buckets: dict[str, Any] = defaultdict(lambda: None)
        self.forgotten: list[str] = []
        self.channel = SimpleNamespace(qos=SimpleNamespace(forget=self.forgotten.append))
        beginning = Beginning(self)
        self.lease = beginning.lease = Lease(self.server, VISIBILITY_S, renewed=beginning.renewed)  # type: ignore[arg-type]  # it stands in
        self.kept: list[Any] = []

    def call_soon(self, call: Callable[..., object], *args: object) -> None:
        self.soon.append(partial(call, *args))

    def receive(self, tag: str) -> Any:
        """Hold a message, and know of its task."""
        message = SimpleNamespace(delivery_tag=tag, channel=self.channel)
        told = {"task": SimpleNamespace(name="task"), "_eta_timer_entry": None}
        request = Held(id=tag, name="task", message=message, _apply_result=None, **told)
        self.lease.hold(tag, message, self.clock())
        self.kept.append(request)
        return request

    def reserve(self, request: Any) -> None:
        """Give it a slot, or have it wait for one, as Celery does."""
        state.task_reserved(request)
        self.semaphore.acquire(self.process, request)

    def process(self, request: Any) -> None:
        request._apply_result = self.pool.apply_async(
            request.id, accept_callback=request.on_accepted
        )

    def turn(self) -> None:
        """Turn the loop until nothing is left to do at once."""
        while self.soon or any(each.eta <= time.monotonic() for each in self.timer.queue):
            while self.soon:
                self.soon.popleft()()
            for _, entry in self.timer:
                if entry is None:
                    break
                entry()
