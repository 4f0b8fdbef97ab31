"""The tenants of one fair queue, as Redis knows them: who there is, who left, what was lost."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from worker_image import broker
from worker_image.settings import Settings
from worker_image.tenants import is_tenant, tenants_key

if TYPE_CHECKING:
    import redis

_TIMEOUT_S = 1.0

# Removes up to ARGV[3] tenants that nobody has sent to for ARGV[2] seconds and whose lists are
# empty. One script, so that a publisher's transaction comes before it, and fills the list, or after
# it, and names the tenant anew.
_RETIRE = """
local before = tonumber(redis.call('TIME')[1]) - tonumber(ARGV[2])
local gone = 0
local stale = redis.call(
    'ZRANGE', KEYS[1], '-inf', before, 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[3]))
for _, tenant in ipairs(stale) do
    if redis.call('LLEN', ARGV[1] .. '.' .. tenant) == 0 then
        gone = gone + redis.call('ZREM', KEYS[1], tenant)
    end
end
return gone
"""

# A mark without its message: a worker died between popping and recording it, or a publisher
# between marking and sending. While a list holds anything nothing is decided: the fleet is awake
# anyhow, and only a mark that is alone would keep it so. A message on its way into the in-flight
# hash is in neither for milliseconds, so a mark has to be found alone twice, ARGV[2] seconds apart;
# the first time it becomes '?<Unix time>'. Only where a task with an ETA took the slot for which a
# message was popped does it stay longer, with a worker that is busy and so counted.
_SWEEP = """
if redis.call('LLEN', ARGV[1]) > 0 then return {} end
for _, tenant in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if redis.call('LLEN', ARGV[1] .. '.' .. tenant) > 0 then return {} end
end
local now = tonumber(redis.call('TIME')[1])
local lost = {}
local marks = redis.call('HGETALL', KEYS[2])
for i = 1, #marks, 2 do
    local tag, mark = marks[i], marks[i + 1]
    if redis.call('HEXISTS', KEYS[3], tag) == 0 then
        if string.sub(mark, 1, 1) ~= '?' then
            redis.call('HSET', KEYS[2], tag, '?' .. now)
        elseif now - tonumber(string.sub(mark, 2)) >= tonumber(ARGV[2]) then
            redis.call('HDEL', KEYS[2], tag)
            lost[#lost + 1] = tag
        end
    end
end
return lost
"""


@dataclass(frozen=True)
class TenantRegistry:
    """Reads and tidies one queue's keys; every method raises redis.RedisError without a broker."""

    client: "redis.Redis"
    key_prefix: str
    queue: str
    pending_key: str
    in_flight_key: str

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return the registry of the fair queue that this process's worker serves, if it does."""
        worker, fleet = settings.worker, settings.fleet
        queue = (
            None if worker is None else next((q for q in worker.queues if q in fleet.fair), None)
        )
        if worker is None or queue is None:
            return None
        url = settings.environment.broker_url
        client = broker.client(settings, url, _TIMEOUT_S)
        return cls(client, fleet.key_prefix, queue, fleet.fair[queue], worker.in_flight_key)

    def tenants(self) -> list[str]:
        """Return everyone who was sent to lately or has messages waiting."""
        known = map(str, self.client.zrange(self._tenants, 0, -1))
        return [name for name in known if is_tenant(name)]

    def retire(self, idle_s: float, at_most: int) -> int:
        """Forget tenants without messages; return how many."""
        return int(self._retire([self._tenants], [self._list, idle_s, at_most]))

    def sweep(self, apart_s: float) -> list[str]:
        """Remove marks that no message belongs to; return the delivery tags."""
        keys = [self._tenants, self._key(self.pending_key), self._key(self.in_flight_key)]
        return list(self._sweep(keys, [self._list, apart_s]))

    @cached_property
    def _retire(self) -> Any:  # noqa: ANN401 - redis-py's Script
        return self.client.register_script(_RETIRE)

    @cached_property
    def _sweep(self) -> Any:  # noqa: ANN401 - likewise
        return self.client.register_script(_SWEEP)

    @property
    def _tenants(self) -> str:
        return self._key(tenants_key(self.queue))

    @property
    def _list(self) -> str:
        return self._key(self.queue)

    def _key(self, name: str) -> str:
        return f"{self.key_prefix}{name}"
