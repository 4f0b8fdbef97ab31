"""Remote control, checked before Celery acts on it: what is malformed there is told and dropped.

Celery opens its channel anew after each command it cannot read (5.7.0), and what comes meanwhile is
lost; a pattern for host names is any regular expression, and one can keep a worker for ever.
"""

import base64
from collections.abc import Mapping
from typing import Any

from kombu.utils.json import loads

from worker_image import envelope
from worker_image.malformed import MalformedError, check_depth, decoded, shown

_CLOCK_MAX = 2**63


def check(message: object) -> None:
    """Refuse what no worker could act on.

    Raises:
        MalformedError: it is no command.

    """
    whole = envelope.checked(message)
    if whole["headers"].get("compression"):
        raise MalformedError("it is compressed")
    clock = whole["headers"].get("clock")
    if clock is not None and not (isinstance(clock, int) and 0 <= clock < _CLOCK_MAX):
        raise MalformedError(f"its clock is {shown(clock)}")
    body = whole.get("body") or ""
    if whole["properties"].get("body_encoding") == "base64":
        body = base64.b64decode(body)
    check_depth(body, "its body")
    _check_command(decoded(lambda: loads(body), "its body"))


def _check_command(command: object) -> None:
    if not isinstance(command, dict):
        raise MalformedError(f"its body is {shown(command)}, not a command")
    if not isinstance(command.get("method"), str):
        raise MalformedError(f"its method is {shown(command.get('method'))}, not text")
    if not isinstance(command.get("arguments"), dict | None):
        raise MalformedError("its arguments are not an object")
    nodes = command.get("destination")
    if nodes is not None and not _is_texts(nodes):
        raise MalformedError(f"its destination is {shown(nodes)}, not a list of names")
    if command.get("pattern") is not None or command.get("matcher") is not None:
        raise MalformedError("it names workers by a pattern, which is not supported")
    _check_reply(command.get("reply_to"))


def _check_reply(reply: Any) -> None:  # noqa: ANN401 - whatever JSON has
    if reply is None:
        return
    told = isinstance(reply, Mapping) and [reply.get("exchange"), reply.get("routing_key")]
    if not told or not _is_texts(told):
        raise MalformedError(f"its reply_to is {shown(reply)}")


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
