"""Looks at parked messages, sends them again, or lets go of them, as an operator decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from celery import Celery, Signature
from kombu import Producer

from worker_image import dead_letters
from worker_image.arguments import checked
from worker_image.broker import answering
from worker_image.conf import TASK_MODULES
from worker_image.dead_letters import DeadLetter, UnknownLetterError
from worker_image.declared import FleetSettings
from worker_image.once import in_one_step
from worker_image.publish import RETRY, Publisher, RefusedError
from worker_image.replay_step import Replay
from worker_image.results import Results
from worker_image.tenants import place_of


@dataclass(frozen=True)
class ParkedLetters:
    """One queue's letters."""

    count: int
    newest: tuple[DeadLetter, ...]
    """The newest ones first; not more than was asked for."""


class LetterDesk:
    """What may be done with letters; every method raises BrokerAwayError without a broker."""

    def __init__(
        self,
        app: Celery,
        client: "redis.Redis",
        fleet: FleetSettings,
        publisher: Publisher,
        results: Results,
    ) -> None:
        self._app = app
        self._client = client
        self._fleet = fleet
        self._publisher = publisher
        self._results = results

    def letters(self, queue: str | None, limit: int) -> Mapping[str, ParkedLetters]:
        """Return the newest letters by queue, of one or of every declared queue.

        Raises:
            UnknownLetterError: the queue is not declared, and has no letters of old either.

        """
        queues: Iterable[str] = self._fleet.queues if queue is None else (queue,)
        prefix = self._fleet.key_prefix
        with answering():
            counts = dead_letters.counts(self._client, prefix, queues)
            found = {
                name: dead_letters.read(self._client, prefix, name, limit) if count else []
                for name, count in counts.items()
            }
        if queue is not None and not counts[queue]:
            self._check_declared(queue)
        return {name: ParkedLetters(counts[name], tuple(read)) for name, read in found.items()}

    def letter(self, queue: str, task_id: str) -> DeadLetter:
        """Return a letter; raises UnknownLetterError where there is none."""
        return dead_letters.parsed(queue, task_id, self._stored(queue, task_id))

    def replay(self, queue: str, task_id: str) -> DeadLetter:
        """Send a parked message again, with a count of deliveries that starts anew.

        Raises:
            UnknownLetterError: there is no such letter, or no longer.
            RefusedError: no worker would take the message; it stays parked.

        """
        text = self._stored(queue, task_id)
        letter = dead_letters.parsed(queue, task_id, text)
        if "malformed" in letter.message:
            told = "it is malformed; mend its sender, then discard it"
            raise RefusedError(f"queue {queue!r}: task {task_id!r} stays parked: {told}")
        step = Replay(queue, task_id, text, lambda: self._results.forget_failure(task_id))
        try:
            with self._publisher.producing() as producer, in_one_step(step):
                if "raw" in letter.message:
                    self._send_raw(letter.message["raw"], producer)
                else:
                    self._send_task(letter.message, producer)
        # Celery's and the router's errors of a task, a queue or arguments that are not there.
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            told = f"queue {queue!r}: task {task_id!r} stays parked: {error}"
            raise RefusedError(told) from error
        if not step.done:
            raise self._unknown(queue, task_id)
        return letter

    def discard(self, queue: str, task_id: str) -> DeadLetter:
        """Remove a letter and return it; raises UnknownLetterError where there is none."""
        with answering():
            found = dead_letters.discard(self._client, self._fleet.key_prefix, queue, task_id)
        if found is None:
            raise self._unknown(queue, task_id)
        return found

    def _send_task(self, message: Mapping[str, Any], producer: Producer) -> None:
        """Send a task as it was sent first: no retry is used up, and its time has not run out."""
        task = self._app.tasks.get(message["task"])
        if task is not None and task.name.startswith(TASK_MODULES) and not message["args"]:
            checked(task.run, message["kwargs"])
        signature = Signature.from_dict(dict(message), app=self._app)
        signature.set(retries=0, expires=_to_come(message["options"].get("expires")))
        signature.apply_async(producer=producer, retry_policy=RETRY)

    def _send_raw(self, raw: dict[str, Any], producer: Producer) -> None:
        """Put a message that no worker could read back in its list, as it was."""
        route = raw["properties"]["delivery_info"]["routing_key"]
        self._check_declared(place_of(route, self._fleet.fair).queue)
        # The channel knows the list of a tenant and of a priority.
        producer.channel._put(route, raw)  # noqa: SLF001 - kombu has no other

    def _stored(self, queue: str, task_id: str) -> str:
        with answering():
            text = dead_letters.stored(self._client, self._fleet.key_prefix, queue, task_id)
        if text is None:
            raise self._unknown(queue, task_id)
        return text

    def _unknown(self, queue: str, task_id: str) -> UnknownLetterError:
        self._check_declared(queue)
        return UnknownLetterError(f"queue {queue!r} has no dead letter of task {task_id!r}")

    def _check_declared(self, queue: str) -> None:
        if queue not in self._fleet.queues:
            declared = sorted(self._fleet.queues)
            raise UnknownLetterError(f"unknown queue {queue!r}: declared are {declared}")


def _to_come(expires: object) -> object:
    """When a task expires; None where that is past, for a worker would drop the task."""
    if not isinstance(expires, str):
        return expires
    at = datetime.fromisoformat(expires)
    return expires if (at if at.tzinfo else at.replace(tzinfo=UTC)) > datetime.now(UTC) else None
