"""The broker, in the metric names of redis_exporter (oliver006)."""

from collections.abc import Iterator
from math import inf

from infra.dashboards.figures import Figures
from infra.dashboards.panel import Panel, Query, Row, Steps, lines, stat

_YES: Steps = ((-inf, "red"), (1, "green"))
_WINDOW = "5m"


def redis_rows(figures: Figures) -> tuple[Row, ...]:
    """Rows of the broker's dashboard."""
    return (
        Row("Now", tuple(_now(figures))),
        Row("Memory and keys", tuple(_memory(figures))),
        Row("Clients and commands", tuple(_commands(figures))),
        Row("Replicas and disk", tuple(_durability(figures))),
    )


def _now(figures: Figures) -> Iterator[Panel]:
    used = figures.series.of("redis_memory_used_bytes")
    most = figures.series.of("redis_memory_max_bytes")
    config = figures.config
    yield stat(
        "Broker",
        "Whether it answers.",
        "bool_yes_no",
        _most(figures, "redis_up"),
        _YES,
        "RedisDown",
    )
    yield stat(
        "Memory",
        "What is used of what it may use; a full broker refuses publishes.",
        "percentunit",
        f"max({used} / ({most} > 0))",
        ((config.alarms.memory_percent / 100, "orange"), (0.9, "red")),
        "RedisMemory",
    )
    clients = config.broker.max_connections * config.alarms.connections_percent / 100
    yield stat(
        "Clients",
        f"Connections, of {config.broker.max_connections} that it takes.",
        "none",
        _most(figures, "redis_connected_clients"),
        ((clients, "orange"),),
        "RedisConnections",
    )
    yield stat(
        "Commands",
        "Commands a second, over five minutes.",
        "ops",
        _rate(figures, "redis_commands_processed_total"),
    )
    yield stat(
        "Evicted keys",
        "Since it started; a broker with maxmemory-policy noeviction evicts none.",
        "none",
        _most(figures, "redis_evicted_keys_total"),
        ((1, "red"),),
        "RedisEvictions",
    )
    yield stat(
        "Running for",
        "Since the broker was started.",
        "s",
        _most(figures, "redis_uptime_in_seconds"),
    )


def _memory(figures: Figures) -> Iterator[Panel]:
    yield lines(
        "Memory",
        "What it uses, what that takes of the machine, and what it may use.",
        "bytes",
        [
            Query(_most(figures, "redis_memory_used_bytes"), "used"),
            Query(_most(figures, "redis_memory_used_rss_bytes"), "resident"),
            Query(_most(figures, "redis_memory_max_bytes"), "limit", dashed=True),
        ],
        "RedisMemory",
    )
    of = figures.series.of
    yield lines(
        "Keys",
        "Keys by database; the fleet's are in database 0.",
        "short",
        [Query(f"max by (db) ({of('redis_db_keys')} > 0)", "{{db}}")],
    )
    yield lines(
        "Keys that went",
        "A second, over five minutes: those whose time was over, and those evicted for want of "
        "memory.",
        "ops",
        [
            Query(_rate(figures, "redis_expired_keys_total"), "expired"),
            Query(_rate(figures, "redis_evicted_keys_total"), "evicted"),
        ],
        "RedisEvictions",
    )


def _commands(figures: Figures) -> Iterator[Panel]:
    config, of = figures.config, figures.series.of
    most = config.broker.max_connections * config.alarms.connections_percent / 100
    yield lines(
        "Clients",
        "Connections; those blocked wait for messages. The line is what is told.",
        "none",
        [
            Query(_most(figures, "redis_connected_clients"), "connected"),
            Query(_most(figures, "redis_blocked_clients"), "blocked"),
        ],
        "RedisConnections",
        bounds=((most, "orange"),),
    )
    yield lines(
        "Refused connections",
        "A second, over five minutes: more clients than it takes.",
        "ops",
        [Query(_rate(figures, "redis_rejected_connections_total"), "refused")],
        "RedisConnections",
    )
    yield lines(
        "Network",
        "Bytes a second, over five minutes.",
        "Bps",
        [
            Query(_rate(figures, "redis_net_input_bytes_total"), "in"),
            Query(_rate(figures, "redis_net_output_bytes_total"), "out"),
        ],
    )
    commands = f"max by (cmd) (rate({of('redis_commands_total')}[{_WINDOW}]))"
    spent = f"max by (cmd) (rate({of('redis_commands_duration_seconds_total')}[{_WINDOW}]))"
    yield lines(
        "Commands",
        "The ten most frequent, a second, over five minutes.",
        "ops",
        [Query(f"topk(10, {commands})", "{{cmd}}")],
    )
    yield lines(
        "Where its time goes",
        "Of one core, which is all that commands run on; the ten that take most of it.",
        "percentunit",
        [Query(f"topk(10, {spent})", "{{cmd}}")],
    )
    yield lines(
        "Mean time of a command",
        "Over five minutes, of the ten slowest.",
        "s",
        [Query(f"topk(10, {spent} / ({commands} > 0))", "{{cmd}}")],
    )


def _durability(figures: Figures) -> Iterator[Panel]:
    of = figures.series.of
    yield lines(
        "Replicas",
        "Connected to the broker; without one a failover finds nobody.",
        "none",
        [Query(_most(figures, "redis_connected_slaves"), "replicas")],
        "RedisReplication",
    )
    yield lines(
        "Lag of replicas",
        "Since each replica last acknowledged; what was published since would be lost by a "
        "failover.",
        "s",
        [Query(f"max by (slave_ip) ({of('redis_connected_slave_lag_seconds')})", "{{slave_ip}}")],
        "RedisReplication",
        bounds=((figures.config.alarms.replication_lag_s, "orange"),),
    )
    yield lines(
        "Writes to disk",
        "Whether the last snapshot and the last write of the log succeeded.",
        "bool_yes_no",
        [
            Query(f"min({of('redis_rdb_last_bgsave_status')})", "snapshot"),
            Query(f"min({of('redis_aof_last_write_status')})", "log"),
        ],
        "RedisPersistence",
    )


def _most(figures: Figures, metric: str) -> str:
    """A gauge; two exporters of one broker tell the same."""
    return f"max({figures.series.of(metric)})"


def _rate(figures: Figures, metric: str) -> str:
    return f"max(rate({figures.series.of(metric)}[{_WINDOW}]))"
