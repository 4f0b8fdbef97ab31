"""How many messages a queue may hold; whoever sends one more gets an error, and nothing is written.

What waits counts, and what the queue's workers hold: tasks with a `countdown` are held by a worker
until their time comes, however many there are. A worker of several queues counts in each of them.
A retry is no new message, nor is a request that was accepted before, nor what a task hands on as
it ends: links, the rest of its chain, its chord's body, errbacks. Those came with its own message,
at most `signatures.COUNT_MAX` of them. Refused, all these would be lost: they are always sent.

It is kept by the image's own publishers, in the step that writes the message. Whoever pushes
messages by other means passes it by.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from celery import current_task

from worker_image.declared import FleetSettings
from worker_image.priority import list_name

ROOM = "room"
"""Transport option of whoever publishes: a `Room` by queue."""

COUNT_HELD = """
local function held_messages(at, keys)
    local held = 0
    for i = at, at + 2 * keys - 1, 2 do
        held = held + redis.call(ARGV[i], ARGV[i + 1])
    end
    return held
end
"""
"""Lua: counts what lies under the keys of ARGV from some place on, each after its command."""


class QueueFullError(ValueError):
    """A queue that holds all the messages that it may; the same may be sent later."""


class Room(NamedTuple):
    """What one queue may hold, and by which commands on which keys that is counted.

    A tuple, which JSON has: `celery inspect stats` tells the transport's options.
    """

    queue: str
    most: int
    counted: tuple[tuple[str, str], ...]
    """Keys without key prefix."""

    def words(self, prefix: str) -> list[object]:
        """Return the limit, the number of keys, and each key after its command."""
        told: list[object] = [self.most, len(self.counted)]
        for command, key in self.counted:
            told += [command, f"{prefix}{key}"]
        return told

    def full(self, held: int) -> QueueFullError:
        """Return the error of a sender that is refused."""
        return QueueFullError(
            f"queue {self.queue!r} holds {held} messages, and may hold {self.most} "
            f"(queues.{self.queue}.maxMessages): nothing was sent; send it again once workers "
            "have caught up"
        )


UNBOUNDED: tuple[object, ...] = (0, 0)
"""The words of a queue without a limit."""


_refusals: ContextVar[list[QueueFullError] | None] = ContextVar("refusals", default=None)


@contextmanager
def kept_back() -> Iterator[list[QueueFullError]]:
    """Collect refusals meanwhile that `keeping_back` comes upon, to be raised by the caller.

    Kombu takes a pooled connection for broken once any exception passes its producer (5.7.0): a
    sender that is refused again and again would cost the broker a connection each time.
    """
    refusals: list[QueueFullError] = []
    token = _refusals.set(refusals)
    try:
        yield refusals
    finally:
        _refusals.reset(token)


@contextmanager
def keeping_back() -> Iterator[None]:
    """Let a refusal end what is done here and pass nothing but `kept_back`, where that is used."""
    try:
        yield
    except QueueFullError as error:
        if (refusals := _refusals.get()) is None:
            raise
        refusals.append(error)


_promised: ContextVar[tuple[object] | None] = ContextVar("promised", default=None)


@contextmanager
def promised() -> Iterator[None]:
    """Send what was accepted before, whatever its queue holds meanwhile.

    What the body of a task sends that is called meanwhile is new all the same: Celery calls an
    errback of three arguments where the task has failed (5.7.0, backends/base.py).
    """
    token = _promised.set((_request(),))
    try:
        yield
    finally:
        _promised.reset(token)


def is_promised() -> bool:
    """Whether what is sent now was accepted before."""
    since = _promised.get()
    return since is not None and since[0] is _request()


def _request() -> object:
    """The innermost request whose task runs here; None outside of tasks."""
    return current_task.request_stack.top if current_task else None


def rooms(fleet: FleetSettings) -> Mapping[str, Room]:
    """Return the queues that have a limit."""
    return {
        name: Room(name, queue.max_messages, tuple(_counted(fleet, name)))
        for name, queue in fleet.queues.items()
        if queue.max_messages is not None
    }


def _counted(fleet: FleetSettings, queue: str) -> Iterator[tuple[str, str]]:
    if (marks := fleet.fair.get(queue)) is not None:
        yield "HLEN", marks
    else:
        for step in fleet.priority_steps:
            yield "LLEN", list_name(queue, step, fleet.separator)
    for worker in fleet.workers.values():
        if queue in worker.queues:
            yield "HLEN", worker.in_flight_key
