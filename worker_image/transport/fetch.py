"""Takes the next message off its list and records it as held: one step on the server.

Stock kombu pops it, and records it when the answer has been read: whoever dies in between loses it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1

from worker_image.malformed import MESSAGE_MAX_BYTES
from worker_image.tenants import place_of
from worker_image.transport.wake import wake_key

UNREADABLE = "fleet:unreadable"
"""List, behind the key prefix, of what has no delivery tag, until its letter is written.

What is too large to be fetched stays there for somebody.
"""

# KEYS: in-flight hash, its index, then the lists in the order in which they are served.
# ARGV: list for what cannot be read; the most bytes of a message; then for each queue its wake key,
# its hash of marks or '', and its lists as their number and names; of a fair queue only its own.
# Returns list, message, delivery tag; without a tag it is in the list for what cannot be read, and
# of what is too large only the beginning is returned, with its size.
# The time is the server's, so that no worker's clock matters. LMPOP comes first among the writes: a
# server that is full refuses no command after it. `unpack` takes less than 8000 words.
FETCH = """
local found
for from = 3, #KEYS, 4000 do
    local upto = math.min(from + 3999, #KEYS)
    local words = {upto - from + 1}
    for at = from, upto do words[#words + 1] = KEYS[at] end
    words[#words + 1] = 'RIGHT'
    found = redis.call('LMPOP', unpack(words))
    if found then break end
end
if not found then return false end

local list, item = found[1], found[2][1]
if #item > tonumber(ARGV[2]) then
    redis.call('LPUSH', ARGV[1], item)
    return {list, string.sub(item, 1, 65536), '', #item}
end
local fine, message = pcall(cjson.decode, item)
local properties = fine and type(message) == 'table' and message.properties
local delivery = type(properties) == 'table' and properties.delivery_info
local tag = type(delivery) == 'table' and properties.delivery_tag
if type(tag) ~= 'string' or tag == '' or type(delivery.exchange) ~= 'string'
        or type(delivery.routing_key) ~= 'string' then
    redis.call('LPUSH', ARGV[1], item)
    return {list, item, '', #item}
end

local now = redis.call('TIME')
redis.call('ZADD', KEYS[2], now[1] .. string.format('.%06d', now[2]), tag)
redis.call('HSET', KEYS[1], tag, '[' .. item .. ', ' .. cjson.encode(delivery.exchange)
    .. ', ' .. cjson.encode(delivery.routing_key) .. ']')

local at = 3
while at <= #ARGV do
    local wake, marks, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
    local names = {unpack(ARGV, at + 3, at + 2 + count)}
    local waiting
    if marks == '' then
        waiting = redis.call('EXISTS', unpack(names)) > 0
    else
        local tenants = names[1] .. '.'
        if list == names[1] or string.sub(list, 1, #tenants) == tenants then
            redis.call('HDEL', marks, tag)
        end
        waiting = redis.call('HLEN', marks) > 0
    end
    -- Whoever takes one message of several wakes the next worker.
    if waiting then redis.call('ZADD', wake, 0, '1') end
    at = at + 3 + count
end
return {list, item, tag, #item}
"""
FETCH_SHA = sha1(FETCH.encode()).hexdigest()  # noqa: S324 - how Redis names scripts


@dataclass(frozen=True)
class Consumed:
    """What a channel consumes, as the script wants to be told; made anew when that changes."""

    prefix: str
    in_flight_key: str
    index_key: str
    """These two without key prefix."""
    queues: tuple[str, ...]
    """The script's words on each queue."""

    def command(self, lists: Iterable[str], *, loaded: bool) -> list[object]:
        """Return the command that fetches from these lists, served in this order.

        Args:
            lists: without key prefix.
            loaded: whether the server has the script, as far as is known.

        """
        names = (self.in_flight_key, self.index_key, *lists)
        keys = [f"{self.prefix}{name}" for name in names]
        start: list[object] = ["EVALSHA", FETCH_SHA] if loaded else ["EVAL", FETCH]
        limits = (f"{self.prefix}{UNREADABLE}", MESSAGE_MAX_BYTES)
        return [*start, len(keys), *keys, *limits, *self.queues]


def queue_words(
    lists: Mapping[str, Sequence[str]], fair: Mapping[str, str], prefix: str
) -> tuple[str, ...]:
    """Return the script's words on each queue that these lists belong to.

    Args:
        lists: the Redis lists of its priorities, by kombu's name of each consumed queue.
        fair: key of the marks by fair queue.
        prefix: of every key.

    """
    told: dict[str, list[str]] = {}
    for name, stepped in lists.items():
        queue = place_of(name, fair).queue
        if queue in fair:
            keys = [wake_key(queue), fair[queue], queue]
        else:
            keys = [wake_key(queue), "", *stepped]
        told[queue] = [f"{prefix}{key}" if key else "" for key in keys]
    return tuple(
        word
        for wake, marks, *names in told.values()
        for word in (wake, marks, str(len(names)), *names)
    )
