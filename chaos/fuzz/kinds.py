"""Sixteen kinds of malformed messages, and how each is made of a valid one."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol

from chaos.fuzz import garbage, payloads
from chaos.fuzz.tasks import TASK

_OVERSIZE_BYTES = 17 * 1024 * 1024
_MIB = 1024 * 1024
Ends = Literal["done", "parked", "any"]


class Valid(Protocol):
    """What malformed messages are made of."""

    @property
    def marker(self) -> Path:
        """A file that is there once any of the pickles was loaded."""

    @property
    def tasks(self) -> Sequence[str]:
        """Of the image."""

    def valid(self, rnd: Random, number: int) -> dict[str, Any]:
        """Return a message as Celery publishes it."""


def _bytes(_: Valid, rnd: Random, number: int) -> bytes:
    words = (b"", b"\x80\x04", b"\xff\xfe", b"{", b"[[", b"*1\r\n", b'{"a":', b"\x1f\x8b", b"%s%n")
    return rnd.choice(words) + rnd.randbytes(rnd.randrange(1, 200)) + str(number).encode()


def _shape(_: Valid, rnd: Random, number: int) -> bytes:
    shapes: tuple[Any, ...] = (
        [number],
        number,
        f"{number}",
        {},
        {"number": number},
        [garbage.value(rnd), number],
    )
    is_json = rnd.random() < 0.8  # noqa: PLR2004 - mostly
    text = json.dumps(rnd.choice(shapes)) if is_json else "[" * 2000 + str(number)
    return f"{text} ".encode() + b" " * (number % 977)


def _broken(like: Valid, rnd: Random, number: int) -> bytes:
    item = bytearray(payloads.as_json(like.valid(rnd, number)))
    for _ in range(rnd.randrange(1, 6)):
        at = rnd.randrange(len(item))
        match rnd.randrange(3):
            case 0:
                item[at] = rnd.randrange(256)
            case 1:
                del item[at : at + rnd.randrange(1, 40)]
            case _:
                item[at:at] = rnd.randbytes(rnd.randrange(1, 20))
    return bytes(item)


def _doubled(like: Valid, rnd: Random, number: int) -> bytes:
    """Keys twice: readers differ in which of the two counts."""
    text = json.dumps(like.valid(rnd, number))
    key = rnd.choice(("headers", "properties", "body", "content-type"))
    return f'{{"{key}": {json.dumps(garbage.value(rnd))}, {text[1:-1]}, "x": {number}}}'.encode()


def _envelope(like: Valid, rnd: Random, number: int) -> bytes:
    whole = like.valid(rnd, number)
    holder: dict[str, Any] = rnd.choice(
        [whole, whole["properties"], whole["properties"]["delivery_info"]]
    )
    key = rnd.choice(sorted(holder))
    if rnd.random() < 0.4:  # noqa: PLR2004 - some are missing, most are wrong
        del holder[key]
    else:
        holder[key] = garbage.value(rnd)
    return payloads.as_json(whole)


def _content(like: Valid, rnd: Random, number: int) -> bytes:
    """Code to be run by whoever loads what the message says it is."""
    whole = like.valid(rnd, number)
    pickled = payloads.pickled(like.marker, rnd)
    kinds: Mapping[str, bytes] = {
        "application/x-python-serialize": pickled,
        "application/x-pickle": pickled,
        "pickle": pickled,
        "application/x-yaml": payloads.yaml_text(like.marker),
        "yaml": payloads.yaml_text(like.marker),
        "application/x-msgpack": b"\x93\x90\x80\xc0",
        "application/data": pickled,
        "application/text": b"[[], {}, {}]",
        "APPLICATION/JSON": pickled,
        "": pickled,
    }
    kind = rnd.choice(sorted(kinds))
    whole |= {"content-type": kind, "body": payloads.encoded(kinds[kind])}
    whole["content-encoding"] = rnd.choice(("binary", "utf-8", "pickle", None, "base64"))
    return payloads.as_json(whole)


def _smuggled(like: Valid, rnd: Random, number: int) -> bytes:
    """Pickles and types where JSON is announced."""
    whole = like.valid(rnd, number)
    data = payloads.pickled(like.marker, rnd)
    if rnd.random() < 0.5:  # noqa: PLR2004 - half
        typed = payloads.typed_json(like.marker, rnd)
        data = json.dumps([[], {"number": typed}, {}]).encode()
    whole["body"] = payloads.encoded(data)
    if rnd.random() < 0.3:  # noqa: PLR2004 - some
        whole["headers"]["number"] = payloads.typed_json(like.marker, rnd)
    return payloads.as_json(whole)


def _packed(like: Valid, rnd: Random, number: int) -> bytes:
    whole = like.valid(rnd, number)
    methods = ("zlib", "gzip", "bzip2", "lzma", "application/x-brotli", "zstd", 7, ["zlib"], "?")
    whole["headers"]["compression"] = rnd.choice(methods)
    return payloads.as_json(whole)


def _bomb(like: Valid, rnd: Random, number: int) -> bytes:
    whole = like.valid(rnd, number)
    kind = rnd.choice(("zlib", "bzip2", "lzma"))
    whole["headers"]["compression"] = kind
    whole["body"] = payloads.encoded(payloads.bomb(kind))
    return payloads.as_json(whole)


def _headers(like: Valid, rnd: Random, number: int) -> bytes:
    whole = like.valid(rnd, number)
    headers = whole["headers"]
    for _ in range(rnd.randrange(1, 3)):
        name = rnd.choice((*sorted(headers), *_MORE_HEADERS))
        headers[name] = garbage.moment(rnd) if name in {"eta", "expires"} else garbage.value(rnd)
    if rnd.random() < 0.1:  # noqa: PLR2004 - times that are times
        at = datetime.now(UTC) + timedelta(seconds=rnd.choice((-9, -1, 1, 2)))
        headers[rnd.choice(("eta", "expires"))] = at.isoformat()
    return payloads.as_json(whole)


_MORE_HEADERS = (
    *(
        "get",
        "update",
        "_children",
        "args",
        "kwargs",
        "is_eager",
        "called_directly",
        "delivery_info",
    ),
    *("callbacks", "errbacks", "chain", "chord", "hostname", "utc", "headers", "compression"),
    *("fleet_published_at", "tenant", "traceparent", "redelivered", "taskset", "clock", "loglevel"),
)


def _unknown(like: Valid, rnd: Random, number: int) -> bytes:
    whole = like.valid(rnd, number)
    names = ("os.system", "worker_image.tasks.canary.newer", "celery.chord_unlock", "__import__")
    whole["headers"]["task"] = rnd.choice(names)
    return payloads.as_json(whole)


def _after(like: Valid, rnd: Random, number: int) -> bytes:
    """What the message asks to be sent after its task."""
    whole = like.valid(rnd, number)
    deep: Any = _signature("os.system", rnd)
    for _ in range(rnd.choice((0, 1, 5, 60))):
        subtype = rnd.choice(("chain", "group"))
        deep = _signature(f"celery.{subtype}", rnd, subtype, {"tasks": [deep]})
    joined = _signature("celery.chord", rnd, "chord", {"header": [deep], "body": deep})
    many = [_signature("os.system", rnd)] * 1200
    told = rnd.choice([deep, [deep], [joined], many, garbage.value(rnd), [garbage.value(rnd)]])
    name = rnd.choice(("callbacks", "errbacks", "chain", "chord", "id", "get"))
    whole["body"] = payloads.body_of([], {"number": number}, {name: told})
    return payloads.as_json(whole)


def _signature(
    task: str, rnd: Random, subtype: str | None = None, kwargs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A signature of the right shape, or nearly."""
    told: dict[str, Any] = {"task": task, "args": [], "kwargs": dict(kwargs or {}), "options": {}}
    told |= {"subtask_type": subtype, "immutable": False}
    if rnd.random() < 0.2:  # noqa: PLR2004 - some
        told["options"] = {rnd.choice(("task_id", "queue", "link", "chord")): garbage.value(rnd)}
    if rnd.random() < 0.1:  # noqa: PLR2004 - few
        del told[rnd.choice(sorted(told))]
    return told


def _arguments(like: Valid, rnd: Random, number: int) -> bytes:
    """Arguments that no task of the image takes."""
    whole = like.valid(rnd, number)
    whole["headers"]["task"] = rnd.choice((*like.tasks, TASK))
    wrong = {f"no-argument-{number}": garbage.value(rnd)}
    bodies: tuple[tuple[Any, ...], ...] = (
        ([], wrong, {}),
        ([garbage.value(rnd)], {}, {}),
        (garbage.value(rnd), wrong, None),
        ([], [number], {}),
        (number,),
        ([], wrong, {}, {}),
    )
    whole["body"] = payloads.body_of(*rnd.choice(bodies))
    return payloads.as_json(whole)


def _mutated(like: Valid, rnd: Random, number: int) -> bytes:
    return payloads.as_json(garbage.mutated(rnd, like.valid(rnd, number))) + b" " * (number % 977)


def _long(like: Valid, rnd: Random, number: int) -> bytes:
    whole = like.valid(rnd, number)
    where: dict[str, Any] = rnd.choice([whole, whole["headers"], whole["properties"]])
    where[rnd.choice(("argsrepr", "x", "body", "delivery_tag"))] = "A" * _MIB
    return payloads.as_json(whole)


def _oversize(like: Valid, rnd: Random, number: int) -> bytes:
    return payloads.as_json({**like.valid(rnd, number), "x": "A" * _OVERSIZE_BYTES})


KINDS: Mapping[str, tuple[Callable[[Valid, Random, int], bytes], float, Ends]] = {
    "bytes that are no JSON": (_bytes, 8, "parked"),
    "JSON of another shape": (_shape, 8, "parked"),
    "a valid message with bytes broken": (_broken, 12, "any"),
    "keys twice": (_doubled, 4, "any"),
    "envelope wrong or missing": (_envelope, 12, "any"),
    "another content type, with code": (_content, 10, "parked"),
    "pickles and types as JSON": (_smuggled, 6, "any"),
    "compression that is none": (_packed, 3, "parked"),
    "compression bombs": (_bomb, 0.1, "parked"),
    "headers": (_headers, 16, "any"),
    "unknown tasks": (_unknown, 5, "parked"),
    "callbacks, chains and chords": (_after, 6, "any"),
    "arguments of the wrong kind": (_arguments, 8, "any"),
    "any place mutated": (_mutated, 12, "any"),
    "1 MiB in one value": (_long, 0.4, "any"),
    "above the largest message": (_oversize, 0.02, "parked"),
}
"""By what is wrong: how to make one, how often, and what must become of it."""
