"""When a run is at rest, and what the broker then still holds."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence

import redis

from chaos.arms import VISIBILITY_S, WORKERS
from chaos.field import Field
from chaos.ledger import now
from chaos.record import Execution, Keys

# Longer than kombu's BRPOP of 1 s, in which a message is in no key.
_QUIET_S = 3.0
_LOOK_S = 0.25
_LONGEST_S = 3.0 * VISIBILITY_S + 6.0
_LENGTHS = {"list": "llen", "hash": "hlen", "zset": "zcard"}
# State that the fleet and kombu keep on purpose, and no message's.
_KEPT = ("fleet:", "redbeat:", "_kombu.")
_COUNTED = ("fleet:deliveries:", "fleet:unreadable")


def wait_for_rest(field: Field, still_s: float) -> bool:
    """Wait until no key holds a message and no task runs; False where nothing more happens.

    Args:
        field: the run's.
        still_s: after so long without a start or an end nothing more is to be expected.

    """
    quiet_since = moved_at = time.monotonic()
    seen: Sequence[Execution] = ()
    while time.monotonic() - moved_at < still_s:
        starts = field.starts()
        if starts != seen:
            seen, moved_at = starts, time.monotonic()
        if not _rests(field, starts):
            quiet_since = time.monotonic()
        if time.monotonic() - quiet_since > _QUIET_S:
            return True
        time.sleep(_LOOK_S)
    return False


def left(client: "redis.Redis", prefix: str = "") -> Mapping[str, int]:
    """Length of each key that holds messages, or what is counted of them."""
    found = {}
    for key in client.scan_iter():
        name = key.removeprefix(prefix)
        if name.startswith(_KEPT) and not name.startswith(_COUNTED):
            continue
        length = _LENGTHS.get(str(client.type(key)))
        if length:
            found[key] = int(getattr(client, length)(key))
    return {key: length for key, length in found.items() if length}


def moving(held: Mapping[str, int]) -> bool:
    """Whether any worker would still take, or give back, something of these keys."""
    return any(key in WORKERS or key.startswith("unacked") for key in held)


def waiting(
    client: "redis.Redis", prefix: str = "", queues: Iterable[str] = WORKERS
) -> frozenset[str]:
    """Ids of messages in the lists that workers have, and in their hands."""
    texts = [
        json.loads(text) for queue in queues for text in client.lrange(f"{prefix}{queue}", 0, -1)
    ]
    for key in client.scan_iter(f"{prefix}unacked*"):
        if client.type(key) == "hash":
            texts += [json.loads(text)[0] for text in client.hvals(key)]
    return frozenset(str(message["headers"]["id"]) for message in texts)


def dead_letters(client: "redis.Redis", prefix: str = "") -> frozenset[str]:
    """Ids of what the fleet has parked."""
    return frozenset(
        str(task) for key in client.scan_iter(f"{prefix}fleet:dead:*") for task in client.hkeys(key)
    )


def keys(field: Field, mismatches: list[str]) -> Keys:
    """Look at the broker at rest."""
    with field.brokers.messages.client() as client:
        return Keys(left(client), tuple(mismatches), waiting(client), dead_letters(client))


def _rests(field: Field, starts: Iterable[Execution]) -> bool:
    try:
        with field.brokers.messages.client() as client:
            if moving(left(client)):
                return False
    except redis.RedisError:
        return False
    running = {place.name for place in field.places.values() if place.runs}
    # Of a process that was killed in its pool nobody tells the end.
    since = now() - _LONGEST_S
    return not any(
        one.ended_at is None and one.worker in running and one.began_at > since for one in starts
    )
