"""The messages of a run, each made of the seed and its number: valid ones and sixteen bad kinds."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from chaos.fuzz import payloads
from chaos.fuzz.kinds import KINDS, Ends
from chaos.fuzz.tasks import TASK
from worker_image.malformed import KEPT_BYTES, MESSAGE_MAX_BYTES, letter_id

VALID_EVERY = 10


@dataclass(frozen=True)
class Message:
    """One message as it lies in a list."""

    number: int
    queue: str
    kind: str
    item: bytes
    task_id: str | None
    """As its headers have it, if they can be read."""
    ends: Ends
    """What must become of it; `any`: parked, or an end of its task that is recorded."""
    letter: str
    """Id of its letter, if it is parked as malformed."""


@dataclass(frozen=True)
class Maker:
    """Makes the messages of one run."""

    seed: int
    marker: Path
    """A file that is there once any of the pickles was loaded."""
    tasks: Sequence[str]
    """Of the image."""
    queues: Sequence[str] = ("default",)

    def queue(self, number: int) -> str:
        """Return the queue of a message; each ten of them go to the next one."""
        return self.queues[number // VALID_EVERY % len(self.queues)]

    def make(self, number: int) -> Message:
        """Return the message of a number; the same one each time."""
        queue = self.queue(number)
        rnd = Random(f"{self.seed}:{number}")  # noqa: S311 - to be repeated
        if number % VALID_EVERY == 0:
            return _message(
                number, queue, "valid", payloads.as_json(self.valid(rnd, number)), "done"
            )
        kind = rnd.choices(list(KINDS), [weight for _, weight, _ in KINDS.values()])[0]
        make, _, ends = KINDS[kind]
        return _message(number, queue, kind, make(self, rnd, number), ends)

    def valid(self, rnd: Random, number: int) -> dict[str, Any]:
        """Return a message as Celery publishes it; a test compares it with a real one."""
        task_id, tag = (str(uuid.UUID(int=rnd.getrandbits(128), version=4)) for _ in range(2))
        origin = dict.fromkeys(
            ("shadow", "eta", "expires", "group", "group_index", "parent_id", "stamps"), None
        )
        embed = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))
        return {
            "body": payloads.body_of([], {"number": number}, embed),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                **origin,
                "lang": "py",
                "task": TASK,
                "id": task_id,
                "root_id": task_id,
                "retries": 0,
                "timelimit": [None, None],
                "origin": "gen@fuzz",
                "argsrepr": "()",
                "kwargsrepr": "{}",
                "ignore_result": False,
                "replaced_task_nesting": 0,
                "stamped_headers": None,
                "stamps": {},
            },
            "properties": {
                "correlation_id": task_id,
                "reply_to": str(uuid.UUID(int=1)),
                "priority": 0,
                "delivery_mode": 2,
                "body_encoding": "base64",
                "delivery_tag": tag,
                "delivery_info": {"exchange": "", "routing_key": self.queue(number)},
            },
        }


def _message(number: int, queue: str, kind: str, item: bytes, ends: Ends) -> Message:
    # Of a larger one a worker sees the beginning.
    told = item if len(item) <= MESSAGE_MAX_BYTES else item[:KEPT_BYTES]
    return Message(number, queue, kind, item, task_id_of(item), ends, letter_id(told))


def task_id_of(item: bytes) -> str | None:
    """Return the id that a message's headers have; None where nothing tells it."""
    try:
        told = json.loads(item)["headers"]["id"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return told if isinstance(told, str) else None
