"""`fleet dead`: messages that no worker could end, and what an operator decides on them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from fleet.api_client import FleetApi, NotThereError, RefusedError
from fleet.kubernetes import Object
from rehearsal.errors import RehearsalError

_PATH = "/api/v1/fleet/dead"
# What the API lists at once.
PAGE = 1000


@dataclass(frozen=True)
class DeadQueue:
    """One queue's dead letters."""

    count: int
    newest: Sequence[Object]
    """In short, the newest first: task_id, task, reason, deliveries, published_at, parked_at."""


@dataclass
class Outcome:
    """What became of the letters that were dealt with."""

    done: list[str] = field(default_factory=list)
    """Task ids."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why, by task id."""


class DeadLetters:
    """The API's dead letters; every method raises RehearsalError where it refuses or is away."""

    def __init__(self, api: FleetApi) -> None:
        self._api = api

    def queues(self, queue: str | None = None, limit: int = PAGE) -> dict[str, DeadQueue]:
        """Return each queue's letters, or those of one queue."""
        asked = {"limit": str(limit)} | ({} if queue is None else {"queue": queue})
        with _worded():
            found = self._api.ask("GET", f"{_PATH}?{urlencode(asked)}")["queues"]
        return {name: DeadQueue(each["count"], each["letters"]) for name, each in found.items()}

    def letter(self, queue: str, task_id: str) -> Object:
        """Return a letter whole, with the message."""
        with _worded():
            return self._api.ask("GET", _path(queue, task_id))

    def ids(self, queue: str) -> Iterator[str]:
        """Return the id of every letter of a queue, page by page as they are dealt with.

        In a page the oldest comes first, as its message came first.
        """
        seen: set[str] = set()
        while True:
            page = [letter["task_id"] for letter in self.queues(queue)[queue].newest]
            new = [task_id for task_id in reversed(page) if task_id not in seen]
            seen.update(new)
            yield from new
            if len(page) < PAGE or not new:
                return

    def replay(self, queue: str, ids: Iterable[str]) -> Outcome:
        """Send the letters' messages again; each letter goes in the same step."""
        return _each(ids, lambda i: self._api.ask("POST", f"{_path(queue, i)}/replay"))

    def discard(self, queue: str, ids: Iterable[str]) -> Outcome:
        """Remove letters for good."""
        return _each(ids, lambda i: self._api.ask("DELETE", _path(queue, i)))


def _each(ids: Iterable[str], deed: Callable[[str], object]) -> Outcome:
    """Go on after a refusal, which is about one letter; end where the API is away."""
    outcome = Outcome()
    for task_id in ids:
        try:
            deed(task_id)
        except RefusedError as error:
            outcome.failed[task_id] = error.why
        except RehearsalError as error:
            outcome.failed[task_id] = f"{error.what}: {error.why}"
            break
        else:
            outcome.done.append(task_id)
    return outcome


def _path(queue: str, task_id: str) -> str:
    return f"{_PATH}/{quote(queue, safe='')}/{quote(task_id, safe='')}"


@contextmanager
def _worded() -> Iterator[None]:
    try:
        yield
    except NotThereError as error:
        raise RehearsalError(
            what="there is no such dead letter",
            why=error.why,
            mend="see which ones there are with: fleet dead list",
        ) from None
