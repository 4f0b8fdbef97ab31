"""One run: messages go into the lists; hostile records, letters and commands beside them."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random

import redis

from chaos.fuzz import garbage
from chaos.fuzz.messages import Maker, Message
from chaos.fuzz.seen import left
from chaos.fuzz.stage import POOLS, VISIBILITY_S, Stage, held_key
from worker_image.malformed import letter_id

_BATCH = 250
_WAITING_MAX = 2000
_STILL_S = 60.0
"""A worker that takes nothing for so long has stopped."""
_REST_S = 120.0
_QUIET_S = 2.0
_LOOK_S = 0.1
_BESIDE_EVERY = 50
"""Messages for each malformed record among those in flight, each letter, and each command."""

Tell = Callable[[str], None]


@dataclass
class Sent:
    """What was put into the broker."""

    messages: list[Message] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    """Ids of the letters that malformed records of what is held must become."""
    commands: int = 0
    letters: int = 0


def send(stage: Stage, maker: Maker, numbers: Sequence[int], tell: Tell) -> Sent:
    """Put all in, no faster than workers take it.

    Raises:
        TimeoutError: a worker takes nothing any more; a seed and a number say where.

    """
    sent, waiting = Sent(), iter(numbers)
    with stage.server.client() as client:
        while batch := [maker.make(number) for number in islice(waiting, _BATCH)]:
            with client.pipeline(transaction=False) as pipe:
                for message in batch:
                    pipe.lpush(message.queue, message.item)
                pipe.execute()
            sent.messages += [replace(message, item=b"") for message in batch]
            for message in batch[::_BESIDE_EVERY]:
                _beside(client, maker, message, sent)
            tell(f"{len(sent.messages)} of {len(numbers)} messages")
            _await_room(stage, client, f"--seed {maker.seed}, up to number {batch[-1].number}")
    return sent


def rest(stage: Stage, tell: Tell) -> bool:
    """Wait until no worker has anything to do; False where that takes too long, or one ended."""
    deadline, quiet_since = time.monotonic() + _REST_S, time.monotonic()
    with stage.server.client() as client:
        while time.monotonic() < deadline and not stage.ended:
            stage.measure()
            if waits := left(client):
                quiet_since = time.monotonic()
                tell(f"waiting for rest: {waits}")
            if time.monotonic() - quiet_since > _QUIET_S:
                return True
            time.sleep(_LOOK_S)
    return False


def _beside(client: "redis.Redis", maker: Maker, message: Message, sent: Sent) -> None:
    queue, number = message.queue, message.number
    rnd = Random(f"{maker.seed}:{number}:beside")  # noqa: S311 - to be repeated
    told = rnd.choice([[garbage.value(rnd), "", queue], garbage.value(rnd), f"{queue}"])
    record = f"{json.dumps(told)} {' ' * number}".encode()
    with client.pipeline(transaction=True) as pipe:
        pipe.hset(held_key(queue), f"held-{number}", record)
        due_at = time.time() - 10 * VISIBILITY_S
        pipe.zadd(f"{held_key(queue)}_index", {f"held-{number}": due_at})
        pipe.hset(f"fleet:dead:{queue}", f"letter-{number}", json.dumps(garbage.value(rnd)))
        pipe.publish("/0.celery.pidbox", json.dumps(_command(maker, rnd, number)))
        pipe.publish("/0.celeryev/worker.heartbeat", json.dumps(garbage.value(rnd)))
        pipe.execute()
    sent.records.append(letter_id(record))
    sent.letters += 1
    sent.commands += 1


def _command(maker: Maker, rnd: Random, number: int) -> object:
    """A command of remote control with something wrong about it."""
    command: dict[str, object] = {
        "method": "ping",
        "arguments": {},
        "destination": None,
        "ticket": f"{number}",
    }
    command |= {"reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "x"}}
    whole = maker.valid(rnd, number)
    whole["properties"]["body_encoding"] = "utf-8"
    whole["headers"] = {"clock": rnd.choice([garbage.value(rnd), 1])}
    whole["body"] = json.dumps(garbage.mutated(rnd, command))
    return rnd.choice([whole, garbage.mutated(rnd, whole), garbage.value(rnd)])


def _await_room(stage: Stage, client: "redis.Redis", where: str) -> None:
    deadline, before = time.monotonic() + _STILL_S, 0
    stage.measure()
    while (waits := sum(int(client.llen(queue)) for queue in POOLS)) > _WAITING_MAX:
        if stage.ended:
            return
        if waits != before:
            deadline, before = time.monotonic() + _STILL_S, waits
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing is taken for {_STILL_S:g} s: {left(client)}; {where}")
        time.sleep(_LOOK_S)
        stage.measure()
