"""What the janitor tells of the broker carries redis_exporter's names, and only what was seen."""

from typing import Any

from prometheus_client import CollectorRegistry

from worker_image.metrics_broker import BrokerFigures

INFO: dict[str, Any] = {
    "used_memory": 1_000_000,
    "maxmemory": 4_000_000,
    "connected_clients": 12,
    "connected_slaves": 1,
    "evicted_keys": 3,
    "rdb_last_bgsave_status": "ok",
    "aof_last_write_status": "err",
    "redis_version": "7.2.4",
}


def told(figures: BrokerFigures) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(figures)
    return {sample.name: sample.value for each in registry.collect() for sample in each.samples}


def test_info_is_told_in_the_names_that_rules_and_dashboards_know() -> None:
    figures = BrokerFigures()
    figures.saw(INFO)

    assert told(figures) == {
        "redis_up": 1,
        "redis_memory_used_bytes": 1_000_000,
        "redis_memory_max_bytes": 4_000_000,
        "redis_connected_clients": 12,
        "redis_connected_slaves": 1,
        "redis_evicted_keys_total": 3,
        "redis_rdb_last_bgsave_status": 1,
        "redis_aof_last_write_status": 0,
    }


def test_of_a_broker_that_is_away_nothing_is_told_but_that() -> None:
    figures = BrokerFigures()
    figures.saw(INFO)
    figures.saw(None)

    assert told(figures) == {"redis_up": 0}


def test_before_the_first_look_nothing_is_told() -> None:
    assert told(BrokerFigures()) == {}


def test_a_server_that_tells_less_is_told_of_less() -> None:
    figures = BrokerFigures()
    figures.saw({"used_memory": 5, "evicted_keys": 0})

    assert told(figures) == {
        "redis_up": 1,
        "redis_memory_used_bytes": 5,
        "redis_evicted_keys_total": 0,
    }
