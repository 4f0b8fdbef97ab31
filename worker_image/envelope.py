"""A message as kombu writes it into Redis, checked before kombu makes anything of it.

Kombu raises whatever comes of a wrong shape (5.7.0), in the worker's main loop, which ends; and it
unpacks a compressed body at once, however large that becomes.
"""

import base64
import binascii
import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from kombu.utils.json import loads

from worker_image.malformed import (
    MESSAGE_MAX_BYTES,
    MalformedError,
    check_characters,
    check_depth,
    decoded,
    shown,
)

# Kombu's names of its methods (5.7.0, compression.py), with what unpacks no more than it is told.
_UNPACKERS: Mapping[str, Callable[[], Any]] = {
    **dict.fromkeys(("application/x-gzip", "gzip", "zlib"), zlib.decompressobj),
    **dict.fromkeys(("application/x-bz2", "bzip2", "bzip"), bz2.BZ2Decompressor),
    **dict.fromkeys(("application/x-lzma", "lzma", "xz"), lzma.LZMADecompressor),
}
_PRIORITY_MAX = 255


def read(item: bytes) -> dict[str, Any]:
    """Return a message that kombu can take.

    Raises:
        MalformedError: it cannot.

    """
    if len(item) > MESSAGE_MAX_BYTES:
        raise MalformedError(f"its {len(item)} bytes are above {MESSAGE_MAX_BYTES}")
    check_depth(item, "its JSON")
    message = decoded(lambda: loads(item), "it")
    check_characters(item, message, "it")
    return checked(message)


def checked(message: object) -> dict[str, Any]:
    """Return a message that was parsed elsewhere; raises as `read` does."""
    if not isinstance(message, dict):
        raise MalformedError(f"it is {_kind(message)}, not an object")
    properties = _object(message, "properties")
    delivery = _object(properties, "delivery_info", "properties.")
    _text(properties, "delivery_tag", "properties.", empty=False)
    for key in ("exchange", "routing_key"):
        _text(delivery, key, "properties.delivery_info.")
    _check_priority(properties.get("priority"))
    for key in ("correlation_id", "reply_to"):
        _text(properties, key, "properties.", needed=False)
    if message.get("headers") is None:
        message["headers"] = {}
    headers = _object(message, "headers")
    for key in ("content-type", "content-encoding"):
        _text(message, key, needed=False)
    _check_body(message.get("body"), properties.get("body_encoding"), headers.get("compression"))
    return message


def _check_body(body: object, encoding: object, compression: object) -> None:
    if body is not None and not isinstance(body, str):
        raise MalformedError(f"its body is {_kind(body)}, not text")
    if encoding not in (None, "", "base64", "utf-8"):
        raise MalformedError(f"its body_encoding is {shown(encoding)}, not 'base64' or 'utf-8'")
    data = b""
    try:
        if body:
            data = base64.b64decode(body, validate=True) if encoding == "base64" else body.encode()
    except (ValueError, binascii.Error) as error:
        raise MalformedError(f"its body is not {encoding or 'utf-8'}: {error}") from None
    if compression:
        _check_unpacked(data, compression)


def _check_unpacked(data: bytes, compression: object) -> None:
    unpacker = _UNPACKERS.get(compression) if isinstance(compression, str) else None
    if unpacker is None:
        known = ", ".join(sorted(_UNPACKERS))
        raise MalformedError(f"its compression is {shown(compression)}: known are {known}")
    try:
        unpacking = unpacker()
        size = len(unpacking.decompress(data, MESSAGE_MAX_BYTES))
    except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError) as error:
        raise MalformedError(f"its body is not {compression}: {error}") from None
    if size >= MESSAGE_MAX_BYTES:
        raise MalformedError(
            f"its body of {len(data)} bytes unpacks to {MESSAGE_MAX_BYTES} or more"
        )
    if not unpacking.eof:
        raise MalformedError(f"its body ends before its {compression} does")


def _check_priority(priority: object) -> None:
    if priority is None:
        return
    whole = isinstance(priority, int) and not isinstance(priority, bool)
    if not whole or not 0 <= int(str(priority)[:9]) <= _PRIORITY_MAX:
        told = f"its properties.priority is {shown(priority)}, not 0 to {_PRIORITY_MAX}"
        raise MalformedError(told)


def _object(holder: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
    value = holder.get(key)
    if not isinstance(value, dict):
        told = "missing" if key not in holder else f"{_kind(value)}, not an object"
        raise MalformedError(f"its {where}{key} is {told}")
    return value


def _text(
    holder: Mapping[str, Any], key: str, where: str = "", *, needed: bool = True, empty: bool = True
) -> None:
    value = holder.get(key)
    if value is None and not needed:
        return
    if not isinstance(value, str) or not (value or empty):
        raise MalformedError(f"its {where}{key} is {shown(value)}, not text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise MalformedError(f"its {where}{key} is {shown(value)}: half a character") from None


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    told = "nothing" if value is None else "a number"
    return kinds.get(type(value), told)
