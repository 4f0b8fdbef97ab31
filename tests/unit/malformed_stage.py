"""A message of the fuzz that is valid, and what a worker makes of it."""

import json
from pathlib import Path
from random import Random
from typing import Any

from kombu.transport import virtual

from chaos.fuzz.messages import Maker
from worker_image import envelope, task_message
from worker_image.malformed import MalformedError

WORK = "worker_image.tasks.canary.work"


class Channel:
    """What a kombu message asks of its channel."""

    codecs = virtual.Channel.codecs
    decode_body = virtual.Channel.decode_body


def taken(item: bytes) -> Any:
    """What a worker makes of a message; raises MalformedError."""
    message: Any = virtual.Message(envelope.read(item), channel=Channel())
    message.accept = {"application/json"}
    task_message.check(message)
    return message


def valid(**headers: Any) -> dict[str, Any]:
    message = Maker(1, Path("marker"), ()).valid(Random(1), 1)  # noqa: S311 - to be repeated
    message["headers"] |= headers
    return message


def reason(item: bytes) -> str | None:
    try:
        taken(item)
    except MalformedError as refused:
        return str(refused)
    return None


def refusal(message: object) -> str:
    why = reason(json.dumps(message).encode())
    assert why is not None
    return why
