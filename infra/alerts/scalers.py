"""Whether workers come when messages wait: pods, their scalers, and KEDA behind them."""

from collections.abc import Iterator

from infra.alerts.queues import pending, ready, servants
from infra.alerts.rule import Rule, Series, duration, equal
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from infra.names import worker_object

_SLACK_S = 300
_LEAST_AT_MAXIMUM_S = 1800
_KEDA_ERRORS = 3
# A look at Redis takes milliseconds; the adapter gives up after 3 s (`http.timeout` of its chart).
_SLOW_LOOK_S = 1


def scaler_rules(config: FleetConfig, series: Series) -> Iterator[Rule]:
    """Rules of every queue's pods, and of every worker's scaler."""
    for queue in config.queues:
        yield _unserved(config, series, queue)
    for worker in config.workers:
        yield from _at_maximum(config, series, worker)
        yield _paused(config, series, worker)
        yield from _keda(series, worker)


def start_s(config: FleetConfig, worker: str) -> float:
    """Longest that a healthy worker takes from a message to its first task, a new node included."""
    spec = config.workers[worker]
    group = config.node_groups[spec.node_group]
    return plan(config, worker).reaction.poll_s + group.launch_s + group.image_pull_s + spec.start_s


def _unserved(config: FleetConfig, series: Series, queue: str) -> Rule:
    workers = servants(config, queue)
    slowest_s = max(start_s(config, worker) for worker in workers)
    return Rule(
        "CeleryQueueUnserved",
        f"{pending(series, queue)} > 0 and on() {ready(series, workers)} == 0",
        _whole_minutes_s(slowest_s + _SLACK_S),
        "page",
        f"Queue {queue}: messages wait, and no worker is ready",
        f"{{{{ $value }}}} messages wait in queue {queue}, and none of its workers has a ready "
        f"pod; a start on a new node takes {slowest_s:g} s.",
        {"queue": queue},
    )


def _at_maximum(config: FleetConfig, series: Series, worker: str) -> Iterator[Rule]:
    """A worker whose bounds are one number has no room, which is its plan and no news."""
    derived = plan(config, worker)
    if derived.min_replicas == derived.max_replicas:
        return
    queues = config.workers[worker].queues
    label = equal("horizontalpodautoscaler", f"keda-hpa-{worker_object(worker)}")
    now = series.of("kube_horizontalpodautoscaler_status_current_replicas", label)
    most = series.of("kube_horizontalpodautoscaler_spec_max_replicas", label)
    waiting = " or ".join(f"{pending(series, queue)} > 0" for queue in queues)
    tolerated_s = max(config.queues[queue].objective.tolerated_wait_s for queue in queues)
    for_s = _whole_minutes_s(max(_LEAST_AT_MAXIMUM_S, 2 * tolerated_s))
    yield Rule(
        "CeleryWorkerAtMaximum",
        f"max({now}) >= max({most}) and on() ({waiting})",
        for_s,
        "ticket",
        f"Worker {worker} is at its maximum, and messages wait",
        f"Worker {worker} has run all of its {{{{ $value }}}} replicas for {duration(for_s)}, and "
        "messages still wait.",
        {"worker": worker, "queue": ",".join(queues)},
    )


def _paused(config: FleetConfig, series: Series, worker: str) -> Rule:
    hours = config.monitoring.paused_hours
    return Rule(
        "CeleryScalerPaused",
        f"max({series.of_keda('', 'keda_scaled_object_paused', worker_object(worker))}) == 1",
        hours * 3600,
        "ticket",
        f"The scaler of worker {worker} is paused",
        f"The scaler of worker {worker} has been paused for {hours} hours: its replicas stay as "
        "they are, whatever waits.",
        {"worker": worker, "queue": ",".join(config.workers[worker].queues)},
    )


def _keda(series: Series, worker: str) -> Iterator[Rule]:
    name = worker_object(worker)
    errors = series.of_keda("increase", "keda_scaled_object_errors_total", name, "[10m]")
    latency = series.of_keda("", "keda_scaler_metrics_latency_seconds", name)
    yield Rule(
        "KedaScalerErrors",
        f"sum({errors}) > {_KEDA_ERRORS}",
        300,
        "page",
        f"KEDA cannot read the queues of worker {worker}",
        f"KEDA failed {{{{ $value | humanize }}}} times within ten minutes to read the broker for "
        f"worker {worker}; its replicas stand still.",
        {"worker": worker},
    )
    yield Rule(
        "KedaScalerSlow",
        f"max({latency}) > {_SLOW_LOOK_S}",
        600,
        "ticket",
        f"KEDA reads the queues of worker {worker} slowly",
        f"KEDA waits {{{{ $value | humanizeDuration }}}} for the broker's answer about worker "
        f"{worker}.",
        {"worker": worker},
    )


def _whole_minutes_s(seconds: float) -> int:
    return -(-round(seconds) // 60) * 60
