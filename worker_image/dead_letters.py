"""Messages that no worker could bring to an end: parked, with their history, until someone decides.

One Redis hash a queue, `fleet:dead:<queue>` behind the key prefix, task id -> letter as JSON. It
never expires, and parking a message twice leaves it there once.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import redis
from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from worker_image import deliveries

# Of a record that is no letter.
_SHOWN_MAX = 64 * 1024


class UnknownLetterError(LookupError):
    """A letter, or a queue, that does not exist."""


class DeadLetter(BaseModel):
    """A parked message, and what became of each of its deliveries."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    task: str
    queue: str
    reason: str
    """Why it was parked."""
    deliveries: int
    published_at: FiniteFloat | None
    """Unix time; None where the publisher told none."""
    redelivered_at: tuple[FiniteFloat, ...]
    """When each delivery after the first one started; Unix time."""
    last_error: str
    parked_at: FiniteFloat
    message: Mapping[str, Any]
    """What to send again: `celery.Signature.from_dict`, or `raw`, what Redis held.

    Of what was never a message `malformed`, as it lay there; nothing sends that again.
    """


def park(client: "redis.Redis", prefix: str, letter: DeadLetter) -> None:
    """Keep a letter, and forget its deliveries: sent again, it starts anew.

    Raises:
        redis.RedisError: it is not kept.

    """
    with client.pipeline(transaction=True) as pipe:
        pipe.hset(f"{prefix}{key_of(letter.queue)}", letter.task_id, letter.model_dump_json())
        pipe.delete(deliveries.key_of(prefix, letter.task_id))
        pipe.execute()


def words(prefix: str, letter: DeadLetter) -> list[object]:
    """Return the command that keeps a letter, after its number of words, as scripts run it."""
    key = f"{prefix}{key_of(letter.queue)}"
    return [4, "HSET", key, letter.task_id, letter.model_dump_json()]


def parsed(queue: str, task_id: str, text: str) -> DeadLetter:
    """Return a letter that Redis holds; of a record that is none, a letter that says so."""
    try:
        letter = DeadLetter.model_validate_json(text)
        # No answer of the API could carry NaN, or half a character.
        json.dumps(letter.message, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        return DeadLetter(
            task_id=task_id,
            task="",
            queue=queue,
            reason=f"malformed: this record is no dead letter: {_why(error)}",
            deliveries=0,
            published_at=None,
            redelivered_at=(),
            last_error="unknown: its record cannot be read",
            parked_at=0.0,
            message={"malformed": text[:_SHOWN_MAX], "bytes": len(text)},
        )
    return letter


def _why(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    told = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, told['loc'])) or 'all of it'}: {told['msg']}"


def read(client: "redis.Redis", prefix: str, queue: str, limit: int = 100) -> list[DeadLetter]:
    """Return a queue's letters, the newest ones first.

    Raises:
        redis.RedisError: the broker is away.

    """
    found = client.hgetall(f"{prefix}{key_of(queue)}")
    letters = [parsed(queue, str(task_id), str(text)) for task_id, text in found.items()]
    return sorted(letters, key=lambda letter: letter.parked_at, reverse=True)[:limit]


def counts(client: "redis.Redis", prefix: str, queues: Iterable[str]) -> dict[str, int]:
    """Return how many letters each queue has, in one round trip.

    Raises:
        redis.RedisError: the broker is away.

    """
    names = list(queues)
    with client.pipeline(transaction=False) as pipe:
        for queue in names:
            pipe.hlen(f"{prefix}{key_of(queue)}")
        return dict(zip(names, pipe.execute(), strict=True))


def stored(client: "redis.Redis", prefix: str, queue: str, task_id: str) -> str | None:
    """Return a letter as Redis holds it; None where there is none.

    Raises:
        redis.RedisError: the broker is away.

    """
    found = client.hget(f"{prefix}{key_of(queue)}", task_id)
    return None if found is None else str(found)


def discard(client: "redis.Redis", prefix: str, queue: str, task_id: str) -> DeadLetter | None:
    """Remove a letter and return it; None where there is none.

    Raises:
        redis.RedisError: the broker is away.

    """
    key = f"{prefix}{key_of(queue)}"
    with client.pipeline(transaction=True) as pipe:
        pipe.hget(key, task_id)
        pipe.hdel(key, task_id)
        found, _ = pipe.execute()
    return None if found is None else parsed(queue, task_id, str(found))


def key_of(queue: str) -> str:
    """Name a queue's hash, without key prefix."""
    return f"fleet:dead:{queue}"
