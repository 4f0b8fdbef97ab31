"""What an in-flight hash holds, read back: a message for its list, or what is parked instead."""

from typing import Any

from kombu.utils.json import loads

from worker_image import dead_letters, envelope
from worker_image.malformed import (
    DEPTH_MAX,
    MalformedError,
    check_characters,
    check_depth,
    decoded,
    letter_of,
)
from worker_image.transport.words import Words


def put_back(channel: Any, held: bytes, spare_queue: str) -> Words:  # noqa: ANN401 - kombu's
    """Return the commands that put a held message back.

    What is no message, or leads to no list, is parked: else it would be looked at for ever.

    Args:
        channel: knows the list of a priority and of a tenant, and whom to wake.
        held: as the hash holds it: message, exchange, routing key.
        spare_queue: whose letter it becomes; what cannot be read does not say where it belongs.

    """
    try:
        payload, exchange, routing_key = read(held)
    except MalformedError as error:
        return _parked(channel, held, spare_queue, str(error))
    words = Words(channel.global_keyprefix)
    channel._do_restore_message(payload, exchange, routing_key, words)  # noqa: SLF001 - as kombu does
    if words.pushes:
        return words
    return _parked(channel, held, spare_queue, f"it leads to no list: {exchange} {routing_key}")


def read(held: bytes) -> tuple[dict[str, Any], str, str]:
    """Return message, exchange and routing key.

    Raises:
        MalformedError: it is no such record.

    """
    what = "what was held"
    # The record is one level around the message.
    check_depth(held, what, DEPTH_MAX + 1)
    told = decoded(lambda: loads(held), what)
    check_characters(held, told, what)
    if not isinstance(told, list) or len(told) != len(("message", "exchange", "routing key")):
        raise MalformedError(f"{what} is not a message, its exchange and its routing key")
    payload, exchange, routing_key = told
    if not isinstance(exchange, str) or not isinstance(routing_key, str) or not routing_key:
        raise MalformedError(f"{what} names no list")
    return envelope.checked(payload), exchange, routing_key


def _parked(channel: Any, held: bytes, queue: str, reason: str) -> Words:  # noqa: ANN401 - likewise
    words = Words(channel.global_keyprefix)
    words.told = dead_letters.words(channel.global_keyprefix, letter_of(held, queue, reason))
    return words
