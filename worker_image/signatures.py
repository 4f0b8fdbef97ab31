"""What a message asks to be sent after its task: signatures within signatures, all of them checked.

Celery makes objects of them after the task has run (5.7.0): too late to refuse the message.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from worker_image.malformed import MalformedError, shown

COUNT_MAX = 1000
"""Signatures of one message, those within others too."""
_LISTS = ("callbacks", "errbacks", "chain")
_SUBTYPES = frozenset({"chain", "group", "chord", "xmap", "xstarmap", "chunks"})
_IDS = ("task_id", "root_id", "parent_id", "group_id", "queue", "routing_key", "exchange")
_LINKS = ("link", "link_error")


def check(embed: Mapping[str, Any]) -> None:
    """Refuse what is no signature.

    Args:
        embed: the third part of a body: callbacks, errbacks, chain, chord.

    Raises:
        MalformedError: something is no signature, or there are too many.

    """
    waiting: list[tuple[str, object]] = []
    for name in _LISTS:
        if (told := embed.get(name)) is not None:
            waiting += _of_list(name, told)
    if embed.get("chord") is not None:
        waiting.append(("chord", embed["chord"]))
    count = 0
    while waiting:
        count += 1
        if count > COUNT_MAX:
            raise MalformedError(f"it asks for more than {COUNT_MAX} tasks after its own")
        waiting += _checked(*waiting.pop())


def _checked(where: str, told: object) -> Iterator[tuple[str, object]]:
    """Check one signature, and yield those within it."""
    if not isinstance(told, dict):
        raise MalformedError(f"its {where} holds {shown(told)}, no signature")
    kwargs, options, subtype = told.get("kwargs"), told.get("options"), told.get("subtask_type")
    if (
        not isinstance(told.get("task"), str)
        or not isinstance(told.get("args"), list)
        or not isinstance(kwargs, dict)
        or not isinstance(options, dict)
        or not all(isinstance(options.get(name), str | None) for name in _IDS)
        or not (subtype is None or (isinstance(subtype, str) and subtype in _SUBTYPES))
    ):
        raise MalformedError(f"its {where} holds a signature of the wrong shape: {shown(told)}")
    if subtype is not None:
        yield from _parts(where, subtype, kwargs)
    for link in _LINKS:
        if (linked := options.get(link)) is not None:
            yield from _of_list(where, linked if isinstance(linked, list) else [linked])
    if options.get("chord") is not None:
        yield where, options["chord"]


def _parts(where: str, subtype: str, kwargs: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if subtype in {"chain", "group"}:
        yield from _of_list(where, kwargs.get("tasks"))
    elif subtype == "chord":
        header, body = kwargs.get("header"), kwargs.get("body")
        yield from _of_list(where, header if isinstance(header, list) else [header])
        yield where, body
    else:
        yield where, kwargs.get("task")


def _of_list(where: str, told: object) -> list[tuple[str, object]]:
    if not isinstance(told, list):
        raise MalformedError(f"its {where} is {shown(told)}, not a list of signatures")
    return [(where, each) for each in told]
