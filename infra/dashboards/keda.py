"""KEDA and the autoscalers that it makes: what they see, what they want, whether they can."""

from collections.abc import Iterator
from dataclasses import replace

from infra.dashboards.figures import Figures
from infra.dashboards.panel import Panel, Query, Row, lines, stat
from infra.names import worker_object

_SLOW_S = 1


def keda_rows(figures: Figures) -> tuple[Row, ...]:
    """Rows of the scalers' dashboard."""
    return (
        Row("Now", tuple(_now(figures))),
        Row("What KEDA sees", tuple(_seen(figures))),
        Row("What comes of it, by worker", tuple(_replicas(figures))),
    )


def _now(figures: Figures) -> Iterator[Panel]:
    workers = figures.config.workers
    paused = [_told(figures, "keda_scaled_object_paused", worker) for worker in workers]
    active = [_told(figures, "keda_scaler_active", worker) for worker in workers]
    errors = [_errors(figures, worker) for worker in workers]
    yield stat(
        "Paused scalers",
        "Workers whose replicas stay as they are, whatever waits.",
        "none",
        _sum(paused),
        ((1, "orange"),),
        "CeleryScalerPaused",
    )
    yield stat(
        "Awake workers",
        "Workers with messages that wait or are held.",
        "none",
        _sum(active),
    )
    yield stat(
        "Errors",
        "Looks at the broker that failed, of all workers, within ten minutes.",
        "none",
        _sum(errors),
        ((1, "orange"), (4, "red")),
        "KedaScalerErrors",
    )
    yield stat(
        "Wanted pods",
        "What all autoscalers ask for.",
        "none",
        _sum(figures.scaler("status_desired_replicas", worker) for worker in workers),
    )


def _seen(figures: Figures) -> Iterator[Panel]:
    workers = figures.config.workers
    yield lines(
        "Scaler values",
        "What each worker's autoscaler is told: messages that wait and are held.",
        "short",
        [Query(_told(figures, "keda_scaler_metrics_value", worker), worker) for worker in workers],
    )
    yield lines(
        "Errors",
        "Looks at the broker that failed, within ten minutes; more than 3 are told.",
        "none",
        [Query(_errors(figures, worker), worker) for worker in workers],
        "KedaScalerErrors",
        bounds=((3, "red"),),
    )
    yield lines(
        "Time of a look",
        "How long the broker's answer takes.",
        "s",
        [
            Query(_told(figures, "keda_scaler_metrics_latency_seconds", worker), worker)
            for worker in workers
        ],
        "KedaScalerSlow",
        bounds=((_SLOW_S, "orange"),),
    )
    for each in (_paused(figures), _awake(figures)):
        yield replace(each, width=12)


def _paused(figures: Figures) -> Panel:
    """Whose replicas stay as they are."""
    return lines(
        "Paused",
        "1 while a worker's scaler is paused.",
        "bool_yes_no",
        [
            Query(_told(figures, "keda_scaled_object_paused", worker), worker)
            for worker in figures.config.workers
        ],
        "CeleryScalerPaused",
    )


def _awake(figures: Figures) -> Panel:
    """Who has something to do."""
    return lines(
        "Awake",
        "1 while a worker has messages that wait or are held; else it goes to its minimum.",
        "bool_yes_no",
        [
            Query(_told(figures, "keda_scaler_active", worker), worker)
            for worker in figures.config.workers
        ],
    )


def _replicas(figures: Figures) -> Iterator[Panel]:
    for worker in figures.config.workers:
        yield lines(
            f"Worker {worker}",
            "Pods that are there, those its autoscaler wants, and the most it may ask for. At rest "
            "KEDA has taken the last pod away and the autoscaler does not count.",
            "none",
            [
                Query(figures.pods("status_replicas", worker), "there"),
                Query(figures.scaler("status_desired_replicas", worker), "wanted"),
                Query(figures.scaler("spec_max_replicas", worker), "at most", dashed=True),
            ],
            "CeleryWorkerAtMaximum",
        )


def _told(figures: Figures, metric: str, worker: str) -> str:
    """The highest that KEDA tells of a worker's ScaledObject, over all its triggers."""
    return f"max({figures.series.of_keda('', metric, worker_object(worker))})"


def _errors(figures: Figures, worker: str) -> str:
    metric = "keda_scaler_detail_errors_total"
    return f"sum({figures.series.of_keda('increase', metric, worker_object(worker), '[10m]')})"


def _sum(parts: "Iterator[str] | list[str]") -> str:
    return " + ".join(f"({part} or vector(0))" for part in parts)
