"""What is said of a message that no worker of this fleet takes, and the letter that keeps it.

A malformed message is parked before anything of it is handled: in one step on the server where it
can be read at all. Its letter's id is made of its bytes: the same message is there once, and none
takes another letter's place.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from reprlib import Repr
from typing import Any

from worker_image.dead_letters import DeadLetter

PREFIX = "malformed-"
MESSAGE_MAX_BYTES = 16 * 1024 * 1024
"""Of a message as it lies in Redis, and of a body once unpacked; 48 times what publishers send."""
KEPT_BYTES = 64 * 1024
"""Of a malformed message that is longer, its letter keeps the beginning."""
DEPTH_MAX = 64
"""Lists and objects within each other. Past some hundred Python's own functions give up."""
CONTENT_ERRORS = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What Celery and kombu may raise over a message's content; a lost connection raises none."""
_SHOWN = 80
_ESCAPED_MOST = 10
"""Characters that `ascii` makes of one."""

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[][{}]")
_OPENING = frozenset({b"[", b"{"})

_short = Repr()
_short.maxstring = _short.maxother = _short.maxlong = _SHOWN
_short.maxlevel, _short.maxlist, _short.maxdict = 2, 3, 3


class MalformedError(ValueError):
    """A message that is none of this fleet's; the text tells a person why."""


def shown(value: object) -> str:
    """Return a value as a reason quotes it: in short, and printable."""
    return _quoted(value) if isinstance(value, str) else _quoted(_short.repr(value), 3)[1:-1]


def decoded(decode: Callable[[], Any], what: str) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return what some JSON says; kombu's own types in it raise whatever their constructors do.

    Raises:
        MalformedError: it says nothing; `what` begins the sentence.

    """
    try:
        return decode()
    except UnicodeDecodeError:
        raise MalformedError(f"{what} is not UTF-8 text") from None
    except Exception as error:  # noqa: BLE001 - see above
        raise MalformedError(f"{what} is not JSON: {shown(str(error))}") from None


def check_depth(text: bytes | str, what: str, at_most: int = DEPTH_MAX) -> None:
    """Refuse JSON that is nested too deeply.

    Raises:
        MalformedError: it is; `what` begins the sentence.

    """
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if data.count(b"[") + data.count(b"{") <= at_most:
        return
    if _depth(data) > at_most:
        raise MalformedError(f"{what} is nested more than {at_most} levels deep")


def check_characters(text: bytes | str, parsed: object, what: str) -> None:
    """Refuse half a character, which JSON can escape and no encoding has.

    Raises:
        MalformedError: there is one; `what` begins the sentence.

    """
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if b"\\u" not in data:
        return
    try:
        json.dumps(parsed, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise MalformedError(f"{what} has half a character (a lone surrogate)") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise MalformedError(f"{what} is no JSON: {shown(str(error))}") from None


def letter_id(item: bytes) -> str:
    """Return the id under which a malformed message is parked, whoever parks it."""
    return f"{PREFIX}{sha256(item).hexdigest()[:24]}"


def letter_of(item: bytes, queue: str, reason: str, size: int | None = None) -> DeadLetter:
    """Return the letter of a malformed message.

    Args:
        item: as it lay in Redis, or the beginning of it.
        queue: whose list it lay in.
        reason: why it is refused.
        size: bytes of the whole, where `item` is not all of it.

    """
    headers = _headers(item)
    task = headers.get("task")
    return DeadLetter(
        task_id=letter_id(item),
        task=_printable(task) if isinstance(task, str) else "",
        queue=queue,
        reason=f"malformed: {reason}",
        deliveries=1,
        published_at=None,
        redelivered_at=(),
        last_error=reason,
        parked_at=time.time(),
        message=_kept(item, len(item) if size is None else size),
    )


def _kept(item: bytes, size: int) -> Mapping[str, Any]:
    text = item[:KEPT_BYTES].decode("utf-8", "backslashreplace")
    return {"malformed": text, "bytes": size, "whole": size <= KEPT_BYTES}


def _headers(item: bytes) -> Mapping[str, Any]:
    if len(item) > KEPT_BYTES:
        return {}
    try:
        headers = json.loads(item)["headers"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return {}
    return headers if isinstance(headers, Mapping) else {}


def _printable(text: str) -> str:
    return _quoted(text)[1:-1]


def _quoted(text: str, times: int = 1) -> str:
    """In ASCII and so many times `_SHOWN` in length, whatever its characters take."""
    at_most = times * _SHOWN
    kept = text[:at_most]
    if len(ascii(kept)) > at_most + len("''") + at_most // 2:
        kept = kept[: at_most // _ESCAPED_MOST]
    return ascii(kept if kept == text else f"{kept}...")


def _depth(data: bytes) -> int:
    """Count the deepest nesting; brackets within strings are none."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", data)):
        depth += 1 if bracket in _OPENING else -1
        deepest = max(deepest, depth)
    return deepest
