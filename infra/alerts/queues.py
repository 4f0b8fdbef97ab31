"""What a queue promises, and when it is not kept: backlog, waits, failures, stuck consumers."""

from collections.abc import Iterator

from infra.alerts.rule import (
    Rule,
    Series,
    Severity,
    any_of,
    counted,
    duration,
    equal,
    or_zero,
    unlike,
)
from infra.models.fleet import FleetConfig
from infra.models.objective import Objective
from infra.names import worker_object

# Of the histogram `fleet_task_wait_seconds`: the first and last bound, and how many a decade has.
_FIRST_BOUND_S, _LAST_BOUND_S, _BOUNDS_PER_DECADE = 0.01, 10_000.0, 20
# Google's SRE workbook, "Alerting on SLOs": an hour at 14.4 times the bearable rate of late tasks
# uses 2 % of a month's, six hours at 6 times it 5 %.
_BURNS: tuple[tuple[str, float, int, int, Severity], ...] = (
    ("CeleryQueueWaitFastBurn", 14.4, 3600, 300, "page"),
    ("CeleryQueueWaitSlowBurn", 6.0, 6 * 3600, 1800, "ticket"),
)
_LEAST_TASKS = 10
_MOST_SHARE = 0.9
_FAILED_SHARE, _LEAST_FAILURES = 0.1, 3
_REDELIVERED_SHARE, _LEAST_REDELIVERIES = 0.05, 3
_STUCK_S = 300
PROBE = "worker_image.tasks.canary.probe"
"""An operator's look at a queue (`fleet smoke`), which is no work."""


def queue_rules(config: FleetConfig, series: Series) -> Iterator[Rule]:
    """Rules of every queue, each with its own numbers."""
    for queue in config.queues:
        yield _backlog(config, series, queue)
        yield from _waits(config, series, queue)
        yield _failures(series, queue)
        yield _redeliveries(series, queue)
        yield _dead_letters(series, queue)
        yield from _stalled(config, series, queue)
        yield _idle(config, series, queue)


def servants(config: FleetConfig, queue: str) -> list[str]:
    """Workers that consume a queue."""
    return [name for name, worker in config.workers.items() if queue in worker.queues]


def pending(series: Series, queue: str) -> str:
    """How many messages wait in a queue."""
    return f"max({series.of('fleet_queue_pending', equal('queue', queue))})"


def _backlog(config: FleetConfig, series: Series, queue: str) -> Rule:
    alert = config.queues[queue].alert
    return Rule(
        "CeleryQueueBacklog",
        f"{pending(series, queue)} > {alert.pending}",
        alert.for_minutes * 60,
        "page",
        f"Queue {queue}: more than {alert.pending} messages wait",
        f"{{{{ $value }}}} messages wait in queue {queue}; more than {alert.pending} have for "
        f"{alert.for_minutes} minutes.",
        {"queue": queue},
    )


def _waits(config: FleetConfig, series: Series, queue: str) -> Iterator[Rule]:
    """Late tasks over a long window, and still over a short one, so that the alert ends soon."""
    promise = config.queues[queue].objective
    if (bound := bound_s(promise)) is None:
        return
    for name, factor, long_s, short_s, severity in _BURNS:
        share = late_share(promise, factor)
        label = equal("queue", queue)
        late = [_late(series, label, bound, duration(each)) for each in (long_s, short_s)]
        enough = counted(series.of("fleet_task_wait_seconds_count", label), duration(long_s))
        yield Rule(
            name,
            f"({late[0]} > {share:g} and on() {late[1]} > {share:g}) "
            f"and on() {enough} >= {_LEAST_TASKS}",
            120,
            severity,
            f"Queue {queue}: too many tasks start late",
            f"{{{{ $value | humanizePercentage }}}} of the tasks of queue {queue} began more than "
            f"{promise.tolerated_wait_s:g} s after they were sent, over {duration(long_s)}; "
            f"{1 - promise.quantile:.3g} of all may.",
            {"queue": queue},
        )


def bound_s(promise: Objective) -> float | None:
    """The histogram's bound at the tolerated wait, or next above; None where it has none."""
    bound, step = _FIRST_BOUND_S, 0
    while bound < promise.tolerated_wait_s:
        if bound >= _LAST_BOUND_S:
            return None
        step += 1
        bound = float(f"{_FIRST_BOUND_S * 10 ** (step / _BOUNDS_PER_DECADE):.3g}")
    return bound


def late_share(promise: Objective, factor: float) -> float:
    """Share of late tasks that is too many; always one that can be reached."""
    bearable = 1 - promise.quantile
    return min(factor * bearable, max((1 + bearable) / 2, _MOST_SHARE))


def _late(series: Series, label: str, bound: float, window: str) -> str:
    within = series.of("fleet_task_wait_seconds_bucket", label, equal("le", str(bound)))
    every = series.of("fleet_task_wait_seconds_count", label)
    return f"(1 - {counted(within, window)} / {counted(every, window)})"


def _failures(series: Series, queue: str) -> Rule:
    label = equal("queue", queue)
    failed = counted(series.of("fleet_tasks_total", label, equal("outcome", "failure")), "1h")
    every = counted(series.of("fleet_tasks_total", label), "1h")
    return Rule(
        "CeleryQueueFailures",
        f"{failed} / {every} > {_FAILED_SHARE} and on() {failed} >= {_LEAST_FAILURES}",
        300,
        "ticket",
        f"Queue {queue}: many tasks fail",
        f"{{{{ $value | humanizePercentage }}}} of the tasks of queue {queue} failed within the "
        "last hour.",
        {"queue": queue},
    )


def _redeliveries(series: Series, queue: str) -> Rule:
    label = equal("queue", queue)
    again = counted(series.of("fleet_redeliveries_total", label), "1h")
    every = counted(series.of("fleet_tasks_total", label), "1h")
    return Rule(
        "CeleryQueueRedeliveries",
        f"{again} >= {_LEAST_REDELIVERIES} and on() {again} / {every} > {_REDELIVERED_SHARE}",
        300,
        "ticket",
        f"Queue {queue}: messages are delivered again",
        f"{{{{ $value }}}} runs within the last hour were of messages of queue {queue} that a "
        "worker had held before and not ended.",
        {"queue": queue},
    )


def _dead_letters(series: Series, queue: str) -> Rule:
    letters = series.of("fleet_queue_dead_letters", equal("queue", queue))
    return Rule(
        "CeleryQueueDeadLetters",
        f"max({letters}) - max({letters} offset 30m) > 0",
        60,
        "ticket",
        f"Queue {queue}: messages were parked",
        f"{{{{ $value }}}} messages of queue {queue} became dead letters within half an hour; "
        "nothing runs them again by itself.",
        {"queue": queue},
    )


def _stalled(config: FleetConfig, series: Series, queue: str) -> Iterator[Rule]:
    """Workers are ready and messages wait, but none ends: consumers that lost their broker.

    A worker that holds nothing is found out soon; one that holds something only once its task
    should have been ended by its limit.
    """
    workers = servants(config, queue)
    queues = {each for name in workers for each in config.workers[name].queues}
    limit_s = max(config.queues[each].time_limit_s for each in queues)
    held = or_zero(f"sum({series.of('fleet_queue_in_flight', any_of('worker', workers))})")
    ended = or_zero(counted(series.of("fleet_tasks_total", any_of("queue", sorted(queues))), "5m"))
    for holds, state, for_s in (("== 0", "none", _STUCK_S), ("> 0", "some", limit_s)):
        yield Rule(
            "CeleryQueueStalled",
            f"{pending(series, queue)} > 0 and on() {ready(series, workers)} > 0 and on() "
            f"{held} {holds} unless on() {ended} > 0",
            for_s,
            "page",
            f"Queue {queue}: messages wait, workers are ready, nothing ends",
            f"{{{{ $value }}}} messages wait in queue {queue}; its workers are ready and hold "
            f"{state}, and no task has ended for {duration(for_s + _STUCK_S)}.",
            {"queue": queue, "in_flight": state},
        )


def _idle(config: FleetConfig, series: Series, queue: str) -> Rule:
    """Someone said that the queue should be busy, and it is not: its sender has stopped."""
    label, hours = equal("queue", queue), config.monitoring.campaign_idle_hours
    held = f"sum({series.of('fleet_queue_in_flight', any_of('worker', servants(config, queue)))})"
    ours = unlike("task", PROBE)
    ended = or_zero(counted(series.of("fleet_tasks_total", label, ours), "5m"))
    return Rule(
        "CeleryCampaignIdle",
        f"max({series.of('fleet_campaign_active', label)}) == 1 and on() "
        f"{pending(series, queue)} == 0 and on() {held} == 0 unless on() {ended} > 0",
        hours * 3600,
        "ticket",
        f"Queue {queue} is idle while a campaign is on",
        f"Queue {queue} has had no work for {hours} hours, and a campaign is on.",
        {"queue": queue},
    )


def ready(series: Series, workers: list[str]) -> str:
    """How many pods of these workers are ready; nothing while kube-state-metrics is away."""
    deployments = any_of("deployment", map(worker_object, workers))
    told = series.of("kube_deployment_status_replicas_ready", deployments)
    return f"(sum({told}) or 0 * count({series.of('kube_deployment_created')}))"
