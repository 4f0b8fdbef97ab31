"""One queue: what waits, who works on it, how long it takes, how it ends."""

from collections.abc import Iterator

from infra.alerts.rule import counted, equal, or_zero
from infra.dashboards.figures import Figures
from infra.dashboards.panel import Panel, Query, Row, lines, stat

_WINDOW = "5m"
_MINUTES = 5


def queue_rows(figures: Figures, queue: str) -> tuple[Row, ...]:
    """Rows of the dashboard of a queue."""
    return (
        Row("Now", tuple(_now(figures, queue))),
        Row("Messages and workers", tuple(_messages(figures, queue))),
        Row("Times", tuple(_times(figures, queue))),
        Row("Ends", tuple(_ends(figures, queue))),
    )


def _now(figures: Figures, queue: str) -> Iterator[Panel]:
    worker, alert = figures.worker_of[queue], figures.config.queues[queue].alert
    yield stat(
        "Waiting",
        f"Messages that wait; more than {alert.pending} for {alert.for_minutes} minutes is told.",
        "short",
        figures.pending(queue),
        ((alert.pending, "red"),),
        "CeleryQueueBacklog",
    )
    yield stat(
        "Oldest",
        "Since the oldest waiting message was published; 0 where none waits.",
        "s",
        figures.oldest_s(queue),
        ((figures.config.queues[queue].objective.tolerated_wait_s, "orange"),),
    )
    yield stat(
        "In flight",
        f"Messages that the pods of worker {worker} hold, of all its queues.",
        "short",
        figures.in_flight(worker),
    )
    yield stat(
        "Ready pods",
        f"Of worker {worker}.",
        "none",
        figures.pods("status_replicas_ready", worker),
        (),
        "CeleryQueueUnserved",
    )
    yield stat(
        "Dead letters",
        "Parked messages; nothing runs them again by itself (`fleet dead list`).",
        "none",
        figures.dead_letters(queue),
        ((1, "orange"),),
        "CeleryQueueDeadLetters",
    )
    if usd := figures.queue_usd(queue):
        yield stat(
            "Cost now",
            f"US dollars an hour of worker {worker}'s pods; this queue's part by run time where it "
            "has several.",
            "currencyUSD",
            usd,
        )


def _messages(figures: Figures, queue: str) -> Iterator[Panel]:
    worker, alert = figures.worker_of[queue], figures.config.queues[queue].alert
    slots = figures.config.workers[worker].concurrency
    ready = figures.pods("status_replicas_ready", worker)
    yield lines(
        "Waiting",
        f"Messages that wait, and the bound that is told after {alert.for_minutes} minutes.",
        "short",
        [Query(figures.pending(queue), "waiting")],
        "CeleryQueueBacklog",
        "CeleryQueueStalled",
        bounds=((alert.pending, "red"),),
    )
    yield lines(
        "In flight and slots",
        f"Messages that worker {worker} holds, and how many tasks its ready pods run at once.",
        "short",
        [
            Query(figures.in_flight(worker), "in flight"),
            Query(f"{ready} * {slots}", "slots", dashed=True),
        ],
    )
    yield lines(
        "Replicas",
        f"Pods of worker {worker}: ready, there, wanted by its scaler, and the most it may ask.",
        "none",
        [
            Query(ready, "ready"),
            Query(figures.pods("status_replicas", worker), "there"),
            Query(figures.pods("spec_replicas", worker), "wanted"),
            Query(figures.scaler("spec_max_replicas", worker), "at most", dashed=True),
        ],
        "CeleryWorkerAtMaximum",
        "CeleryQueueUnserved",
    )


def _times(figures: Figures, queue: str) -> Iterator[Panel]:
    promise = figures.config.queues[queue].objective
    quantiles = sorted({0.5, 0.95, promise.quantile})
    yield lines(
        "Wait",
        f"From publishing to the start, over five minutes; {promise.quantile:.3g} of all tasks may "
        f"wait {promise.tolerated_wait_s:g} s.",
        "s",
        [
            *_quantiles(figures, "fleet_task_wait_seconds", queue, quantiles),
            Query(f"vector({promise.tolerated_wait_s:g})", "may wait", dashed=True),
        ],
        "CeleryQueueWaitFastBurn",
        "CeleryQueueWaitSlowBurn",
    )
    yield lines(
        "Run time",
        f"From start to end, over five minutes; {promise.typical_s:g} s is what the stack file "
        "expects of a typical task.",
        "s",
        _quantiles(figures, "fleet_task_run_seconds", queue, [0.5, 0.95]),
        bounds=((promise.typical_s, "blue"),),
    )
    yield lines(
        "Oldest waiting message",
        "Since it was published; a line that climbs is a queue that nobody serves.",
        "s",
        [Query(figures.oldest_s(queue), "oldest")],
        bounds=((promise.tolerated_wait_s, "orange"),),
    )


def _quantiles(
    figures: Figures, metric: str, queue: str, quantiles: list[float]
) -> Iterator[Query]:
    for quantile in quantiles:
        name = f"p{quantile * 100:g}"
        yield Query(figures.quantile_s(metric, queue, quantile, _WINDOW), name)


def _ends(figures: Figures, queue: str) -> Iterator[Panel]:
    label = equal("queue", queue)
    again = counted(figures.series.of("fleet_redeliveries_total", label), _WINDOW)
    yield lines(
        "Outcomes",
        "Runs that ended, a minute, over five minutes.",
        "cpm",
        [Query(f"{figures.ended(queue, _WINDOW, 'outcome')} / {_MINUTES}", "{{outcome}}")],
        "CeleryQueueFailures",
    )
    yield lines(
        "Tasks",
        "Runs that ended, a minute, over five minutes, by task.",
        "cpm",
        [Query(f"{figures.ended(queue, _WINDOW, 'task')} / {_MINUTES}", "{{task}}")],
    )
    yield lines(
        "Redeliveries and dead letters",
        "Runs of messages that a worker had held before, within five minutes; and what is parked.",
        "short",
        [
            Query(or_zero(again), "redeliveries"),
            Query(figures.dead_letters(queue), "dead letters"),
        ],
        "CeleryQueueRedeliveries",
        "CeleryQueueDeadLetters",
    )
