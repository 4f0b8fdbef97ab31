"""A task's message, checked before Celery makes a request of it.

What Celery leaves to the task's process, or raises in its own loop (5.7.0), is refused here: a time
that is none, a limit that is text, a header that would stand in for one of its own methods.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from celery.app.task import Context

from worker_image import signatures
from worker_image.malformed import MalformedError, check_characters, check_depth, decoded, shown
from worker_image.stats import PUBLISHED_AT
from worker_image.tenants import HEADER as TENANT
from worker_image.tenants import is_tenant

CONTENT_TYPE = "application/json"
_ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_ID_MAX = 255
_COUNT_MAX = 1_000_000
_NESTED_MAX = 1000
_LIMIT_MAX_S = 366 * 86_400
ETA_MAX_S = 31 * 86_400
"""A worker holds a task until its time; what is due later waits elsewhere."""
_YEARS = range(1970, 2200)
# Celery polls with it where the result store cannot join a chord; this one can. Its retries have
# no end.
_REFUSED_TASKS = frozenset({"celery.chord_unlock"})

# Celery copies headers over the attributes of a task's request.
_TAKEN = frozenset(
    {name for name in dir(Context) if callable(getattr(Context, name, None))}
    | {"callbacks", "errbacks", "chain", "chord", "is_eager", "called_directly"}
)
_EMBEDDED = frozenset({"callbacks", "errbacks", "chain", "chord"})


def check(message: Any) -> None:  # noqa: ANN401 - kombu's Message
    """Refuse what Celery could not bring to an end of one kind or another.

    Raises:
        MalformedError: it could not.

    """
    if message.content_type != CONTENT_TYPE:
        told = f"its content-type is {shown(message.content_type)}, not {CONTENT_TYPE!r}"
        raise MalformedError(f"{told}: nothing else is ever decoded")
    if str(message.content_encoding).lower() not in _ENCODINGS:
        raise MalformedError(f"its content-encoding is {shown(message.content_encoding)}")
    check_headers(message.headers)
    body = message.body if isinstance(message.body, bytes | str) else b""
    check_depth(body, "its body")
    payload = decoded(lambda: message.payload, "its body")
    check_characters(body, payload, "its body")
    check_payload(payload)


def check_headers(headers: Mapping[str, Any]) -> None:
    """Refuse headers that say what cannot be; raises as `check` does."""
    for name, value in headers.items():
        if name.startswith("_") or name in _TAKEN:
            raise MalformedError(f"its header {shown(name)} is one of Celery's own names")
        told = _RULES.get(name)
        if told is not None and not (value is None and name not in _NEEDED) and not told[0](value):
            raise MalformedError(f"its header {name} is {shown(value)}, not {told[1]}")
    for name in _NEEDED:
        if headers.get(name) is None:
            raise MalformedError(f"its header {name} is missing")
    if headers["task"] in _REFUSED_TASKS:
        raise MalformedError(f"its task is {headers['task']}, which nothing here needs")


def check_payload(payload: object) -> None:
    """Refuse a body that is not arguments, keyword arguments and what follows; raises likewise."""
    if not isinstance(payload, list) or len(payload) != len(("args", "kwargs", "embed")):
        raise MalformedError("its body is not a list of arguments, keyword arguments and options")
    args, kwargs, embed = payload
    if not isinstance(args, list):
        raise MalformedError(f"its arguments are {shown(args)}, not a list")
    if not isinstance(kwargs, dict):
        raise MalformedError(f"its keyword arguments are {shown(kwargs)}, not an object")
    if embed is None:
        return
    if not isinstance(embed, dict) or not embed.keys() <= _EMBEDDED:
        raise MalformedError(f"its body's third part is {shown(embed)}: not {sorted(_EMBEDDED)}")
    signatures.check(embed)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _ID_MAX and value.isprintable()


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return _is_whole(value) and 0 <= int(str(value)[:9]) <= _COUNT_MAX


def _is_nesting(value: object) -> bool:
    return _is_count(value) and int(str(value)) <= _NESTED_MAX


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return isfinite(float(value))
    except OverflowError:
        return False


def _is_limits(value: object) -> bool:
    if not isinstance(value, list) or len(value) != len(("hard", "soft")):
        return False
    return all(each is None or _is_limit(each) for each in value)


def _is_limit(value: Any) -> bool:  # noqa: ANN401 - whatever JSON has
    return _is_number(value) and 0 < value <= _LIMIT_MAX_S


def _is_moment(value: object) -> bool:
    return _moment(value) is not None


def _is_due(value: object) -> bool:
    at = _moment(value)
    return at is not None and (at - datetime.now(UTC)).total_seconds() <= ETA_MAX_S


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    if at.year not in _YEARS:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_a_tenant(value: object) -> bool:
    return isinstance(value, str) and is_tenant(value)


_AN_ID = (_is_id, f"1 to {_ID_MAX} printable characters")
_A_TEXT = (_is_text, "text")
_NEEDED = ("task", "id")
_RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(("task", "id", "root_id", "parent_id", "group"), _AN_ID),
    **dict.fromkeys(("shadow", "argsrepr", "kwargsrepr", "origin", "lang", "meth"), _A_TEXT),
    **dict.fromkeys(("retries", "group_index"), (_is_count, f"a whole number to {_COUNT_MAX}")),
    "replaced_task_nesting": (_is_nesting, f"a whole number to {_NESTED_MAX}"),
    "eta": (_is_due, f"a time in ISO 8601 within {ETA_MAX_S // 86_400} days"),
    "expires": (_is_moment, f"a time in ISO 8601 from {_YEARS[0]} to {_YEARS[-1]}"),
    "timelimit": (_is_limits, "two numbers of seconds above 0, or null"),
    **dict.fromkeys(("ignore_result", "redelivered"), (_is_bool, "true or false")),
    "stamped_headers": (_is_texts, "a list of names"),
    **dict.fromkeys(("stamps", "headers"), (_is_object, "an object")),
    PUBLISHED_AT: (_is_number, "a Unix time"),
    TENANT: (_is_a_tenant, "a tenant's name"),
}
