"""One mark for each waiting message of a fair queue, whoever's it is, in one hash.

A scaler cannot know the tenants' names, and so not their lists; it counts these marks. A mark is
written with its message and removed as the message enters the in-flight hash, each in one
transaction, so that work is in one of the two hashes at any moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Any

from worker_image.tenants import Place, place_of, tenants_key

Command = tuple[str, *tuple[Any, ...]]
"""A method of redis-py's pipeline, and its arguments."""


@dataclass(frozen=True)
class Marks:
    """Where the messages of one list are marked."""

    pending_key: str
    """Hash of delivery tag to Unix time."""
    place: Place

    def added(self, tag: str) -> tuple[Command, ...]:
        """Mark a message that is about to wait, and name its tenant to the workers."""
        now = time()
        mark: Command = ("hset", self.pending_key, tag, f"{now:.3f}")
        if self.place.tenant is None:
            return (mark,)
        return (mark, ("zadd", tenants_key(self.place.queue), {self.place.tenant: now}))

    def removed(self, tag: str) -> Command:
        """Remove the mark of a message that a worker holds."""
        return ("hdel", self.pending_key, tag)


def marks_of(list_name: str, fair: Mapping[str, str]) -> Marks | None:
    """Return where a list's messages are marked, None for what is no fair queue's.

    Args:
        list_name: without key prefix.
        fair: key of the marks by fair queue.

    """
    place = place_of(list_name, fair)
    key = fair.get(place.queue)
    return None if key is None else Marks(key, place)


def write(pipe: Any, *commands: Command) -> None:  # noqa: ANN401 - redis-py's pipeline or kombu's batch
    """Append commands to a pipeline."""
    for name, *arguments in commands:
        getattr(pipe, name)(*arguments)
