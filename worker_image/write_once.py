"""The step on the server that writes a message and its mark, both or neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker_image.room import COUNT_HELD, UNBOUNDED, Room
from worker_image.transport.words import RUN_WORDS

# ARGV[1] is the record, ARGV[2] its life in seconds; then the words of the queue's room, and those
# that send the message. Without room it answers with a number, what the queue holds, and nothing
# is written. The record comes last: a full Redis refuses the message before it. Asked again it
# writes the record's end of life anew, as it was: a replica that confirms that write
# (worker_image/confirm.py) has the message before it.
_WRITE_ONCE = f"""
{RUN_WORDS}{COUNT_HELD}
local sent = redis.call('GET', KEYS[1])
if sent then
    redis.call('PEXPIREAT', KEYS[1], redis.call('PEXPIRETIME', KEYS[1]))
    return sent
end
local most, counted = tonumber(ARGV[3]), tonumber(ARGV[4])
if most > 0 then
    local held = held_messages(5, counted)
    if held >= most then
        return held
    end
end
run_words(5 + 2 * counted)
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
"""


@dataclass(frozen=True)
class Record:
    """What says that a message was written."""

    key: str
    value: str
    kept_s: int


def write_once(
    client: Any,  # noqa: ANN401 - redis-py's
    record: Record,
    prefix: str,
    words: Sequence[object],
    room: Room | None,
) -> str:
    """Write a message with its record, unless there is one; return the record that there is then.

    Args:
        client: runs the script.
        record: the message's.
        prefix: before the keys of the room.
        words: the commands that write the message, each after their number.
        room: what its queue may hold; None where that is any number.

    Raises:
        QueueFullError: the queue has no room.

    """
    counted = UNBOUNDED if room is None else room.words(prefix)
    told = client.execute_command(
        *("EVAL", _WRITE_ONCE, 1, record.key, record.value, record.kept_s), *counted, *words
    )
    if room is not None and isinstance(told, int):
        raise room.full(told)
    return told.decode() if isinstance(told, bytes) else str(told)
