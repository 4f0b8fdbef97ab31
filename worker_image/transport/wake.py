"""Wakes one idle worker when a message comes, without moving the message.

A worker that found nothing waits on the wake keys of its queues, sorted sets that hold at most one
token each. Whoever puts a message in a list adds the token; the server gives it to the worker that
waits longest. A token may be lost, with a worker or a connection: the message stays where it is,
and every idle worker looks again after `WAIT_S`. So foreign publishers, who add none, are served.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from worker_image.tenants import place_of

WAIT_S = 0.75
"""At most so long an idle worker waits before it looks into its lists anyhow."""

# The reply queue of a remote control command has a key of its own, and nobody to remove it.
_PASSING_MS = 60_000

Command = tuple[str, *tuple[Any, ...]]


def wake_key(queue: str) -> str:
    """Name the token's sorted set; both without key prefix. A fair queue's tenants share one."""
    return f"fleet:wake:{queue}"


def woken(list_name: str, exchange: str, fair: Mapping[str, str]) -> tuple[Command, ...]:
    """Return the pipeline commands that wake a worker after a message was put in a list.

    Args:
        list_name: without key prefix and priority step.
        exchange: of the message; a named one leads to queues that come and go.
        fair: keyed by fair queue.

    """
    key = wake_key(place_of(list_name, fair).queue)
    token: Command = ("zadd", key, {"1": 0})
    return (token, ("pexpire", key, _PASSING_MS)) if exchange else (token,)


def wake_keys(lists: Iterable[str], fair: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys that a consumer of these lists waits on, each once."""
    return tuple(dict.fromkeys(wake_key(place_of(name, fair).queue) for name in lists))
