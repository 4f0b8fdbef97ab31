"""The broker as a Redis client sees it, as redis_exporter (oliver006) tells it.

`tests/rehearsal/test_redis_exporter.py` holds these names and forms against the real program.
"""

from collections.abc import Iterator

from infra import names
from infra.alerts.rule import Rule, Series, Severity, equal
from infra.models.elasticache import ElastiCacheBroker
from infra.models.fleet import FleetConfig

_FULL_PERCENT = 90


def broker_rules(config: FleetConfig, series: Series) -> Iterator[Rule]:
    """Rules of the one broker of a stack."""
    yield Rule(
        "RedisDown",
        f"max({series.of('redis_up')}) == 0 or {_hangs(series)}",
        120,
        "page",
        "The broker does not answer",
        "The broker has not answered for two minutes: nothing is published, fetched or "
        "acknowledged.",
    )
    yield from _memory(config, series)
    yield Rule(
        "RedisEvictions",
        # Not `counted`: a new exporter's first figure is of the broker's whole life.
        f"sum(increase({series.of('redis_evicted_keys_total')}[15m])) > 0",
        60,
        "page",
        "The broker evicts keys",
        "{{ $value | humanize }} keys were evicted within 15 minutes; messages may be lost: its "
        "maxmemory-policy is not noeviction.",
    )
    most = config.broker.max_connections * config.alarms.connections_percent / 100
    yield Rule(
        "RedisConnections",
        f"max({series.of('redis_connected_clients')}) > {most:g}",
        300,
        "ticket",
        "The broker is near its most connections",
        f"{{{{ $value }}}} clients are connected to the broker, which takes "
        f"{config.broker.max_connections}: the next workers would be refused.",
    )
    yield _replication(config, series)
    yield _persistence(series)


def _hangs(series: Series) -> str:
    """The exporter runs and does not come to an answer in the time that Prometheus gives it.

    A broker that takes connections and answers none holds it up for ten seconds.
    """
    scraped = series.of("up", equal("container", names.REDIS_EXPORTER))
    deployment = equal("deployment", names.REDIS_EXPORTER)
    runs = series.of("kube_deployment_status_replicas_ready", deployment)
    return f"max({scraped}) == 0 and on() sum({runs}) > 0"


def _memory(config: FleetConfig, series: Series) -> Iterator[Rule]:
    used = series.of("redis_memory_used_bytes")
    # 0 is Redis' word for no limit.
    limit = f"({series.of('redis_memory_max_bytes')} > 0)"
    levels: tuple[tuple[str, float, Severity], ...] = (
        ("high", config.alarms.memory_percent, "ticket"),
        ("full", _FULL_PERCENT, "page"),
    )
    for level, percent, severity in levels:
        yield Rule(
            "RedisMemory",
            f"max({used} / {limit}) > {percent / 100:g}",
            300,
            severity,
            f"The broker's memory is {percent:g} % full",
            "{{ $value | humanizePercentage }} of the broker's memory is used; a full broker "
            "refuses publishes.",
            {"level": level},
        )


def _replication(config: FleetConfig, series: Series) -> Rule:
    """Replicas that a stack's own broker should have; of another's, as many as in the last day."""
    replicas = f"max({series.of('redis_connected_slaves')})"
    wanted = f"max(max_over_time({series.of('redis_connected_slaves')}[1d]))"
    if isinstance(config.broker, ElastiCacheBroker):
        wanted = str(config.broker.replicas)
    return Rule(
        "RedisReplication",
        f"{replicas} < {wanted}",
        300,
        "ticket",
        "The broker has lost a replica",
        "The broker has {{ $value }} replicas, fewer than it should: a failover could lose "
        "messages, or find nobody to take over.",
    )


def _persistence(series: Series) -> Rule:
    told = ("redis_rdb_last_bgsave_status", "redis_aof_last_write_status")
    failed = (f"min({series.of(each)}) == 0" for each in told)
    return Rule(
        "RedisPersistence",
        " or ".join(failed),
        300,
        "ticket",
        "The broker cannot write to its disk",
        "The broker's last snapshot or log write failed: what it holds would not outlive it.",
    )
