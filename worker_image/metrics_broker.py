"""What the janitor tells Prometheus of the broker, under the names that redis_exporter uses."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

# Name and help by field of INFO. `maxmemory` is 0 where there is no limit.
_GAUGES = {
    "used_memory": ("redis_memory_used_bytes", "Memory that the broker uses."),
    "maxmemory": ("redis_memory_max_bytes", "Memory that the broker may use; 0: no limit."),
    "connected_clients": ("redis_connected_clients", "Clients of the broker."),
    "connected_slaves": ("redis_connected_slaves", "Replicas of the broker."),
}
_STATES = {
    "rdb_last_bgsave_status": ("redis_rdb_last_bgsave_status", "1: its last snapshot succeeded."),
    "aof_last_write_status": ("redis_aof_last_write_status", "1: its last log write succeeded."),
}


class BrokerFigures(Collector):
    """Figures of the last look; while the broker is away only that it is."""

    def __init__(self) -> None:
        self._info: Mapping[str, Any] | None = None
        self._looked = False

    def saw(self, info: Mapping[str, Any] | None) -> None:
        """Keep what INFO said; None: the broker is away."""
        self._info, self._looked = info, True

    def collect(self) -> Iterator[Metric]:
        """Return what was seen last, nothing before the first look."""
        if not self._looked:
            return
        info = self._info
        up = 0.0 if info is None else 1.0
        yield GaugeMetricFamily("redis_up", "1: the broker answers.", value=up)
        if info is None:
            return
        for field, (name, told) in _GAUGES.items():
            if field in info:
                yield GaugeMetricFamily(name, told, value=float(info[field]))
        for field, (name, told) in _STATES.items():
            if field in info:
                yield GaugeMetricFamily(name, told, value=float(info[field] == "ok"))
        evicted = float(info.get("evicted_keys", 0))
        yield CounterMetricFamily("redis_evicted_keys", "Keys evicted.", value=evicted)
