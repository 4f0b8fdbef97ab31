"""The fleet at a glance: is anything wrong, and where."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf

from infra.alerts.rule import any_of, counted, equal, or_zero
from infra.dashboards.figures import Figures, labelled
from infra.dashboards.panel import Panel, Query, Row, Steps, Unit, lines, stat
from infra.dashboards.places import queue_page, uid
from infra.names import BEAT

_WINDOW = "15m"
_YES: Steps = ((-inf, "red"), (1, "green"))
_LATE: Steps = ((0.8, "orange"), (1, "red"))


def overview_rows(figures: Figures) -> tuple[Row, ...]:
    """Rows of the overview."""
    return (
        Row("Now", tuple(_now(figures))),
        Row("Queues", (_queues(figures), *_in_time(figures))),
        Row("Broker, beat and janitor", tuple(_singles(figures))),
        Row("Alerts", (_alerts(figures),)),
    )


def _now(figures: Figures) -> Iterator[Panel]:
    of = figures.series.of
    yield stat(
        "Firing alerts",
        "Alerts of this stack that fire now.",
        "none",
        or_zero(f'count(ALERTS{{alertstate="firing",stack="{figures.stack}"}})'),
        ((1, "red"),),
    )
    yield stat(
        "Waiting",
        "Messages that wait in all queues.",
        "short",
        f"sum(max by (queue) ({of('fleet_queue_pending')}))",
    )
    yield stat(
        "In flight",
        "Messages that workers hold.",
        "short",
        f"sum(max by (worker) ({of('fleet_queue_in_flight')}))",
    )
    workers = any_of("deployment", ["worker"], "-.*")
    yield stat(
        "Ready workers",
        "Worker pods that are ready.",
        "none",
        f"sum({of('kube_deployment_status_replicas_ready', workers)})",
    )
    yield stat(
        "Dead letters",
        "Parked messages of all queues; nothing runs them again by itself.",
        "none",
        f"sum(max by (queue) ({of('fleet_queue_dead_letters')}))",
        ((1, "orange"),),
        "CeleryQueueDeadLetters",
    )
    if figures.priced:
        yield stat(
            "Cost now",
            "US dollars an hour of the workers' pods, at the stack file's prices.",
            "currencyUSD",
            f"sum({figures.by_queue(figures.queue_usd)})",
        )


def _queues(figures: Figures) -> Panel:
    """A row for each queue, which leads to its own dashboard."""
    return Panel(
        "table",
        "Queues and their workers",
        "Wait: of the share of tasks that the queue promises, over the last 15 minutes; empty "
        "where no task began. Ready and cost are the worker's; a cost is shared by run time where "
        "it has several queues. A queue's name leads to its dashboard.",
        "short",
        tuple(_columns(figures)),
        keys=("queue", "worker"),
        linked="dashboard",
        width=24,
        height=4 + len(figures.config.queues),
    )


def _columns(figures: Figures) -> Iterator[Query]:
    on, space = figures.worker_of, figures.config.namespace

    def column(
        name: str, of: Callable[[str], str], unit: Unit | None = None, steps: Steps = ()
    ) -> Query:
        return Query(figures.by_queue(of), name, unit, steps)

    def waiting(queue: str) -> str:
        return labelled(figures.pending(queue), dashboard=uid(space, queue_page(queue)))

    def may_wait(queue: str) -> str:
        return f"vector({figures.config.queues[queue].objective.tolerated_wait_s:g})"

    yield column("Waiting", waiting)
    yield column("In flight", lambda queue: figures.in_flight(on[queue]))
    yield column("Ready", lambda queue: figures.pods("status_replicas_ready", on[queue]))
    yield column("At most", lambda queue: figures.scaler("spec_max_replicas", on[queue]))
    yield column("Wait", lambda queue: _wait_s(figures, queue), "s")
    yield column("May wait", may_wait, "s")
    yield column("Of promise", lambda queue: _of_promise(figures, queue), "percentunit", _LATE)
    yield column("Ended, 1 h", lambda queue: or_zero(figures.ended(queue, "1h")))
    yield column(
        "Failed, 1 h",
        lambda queue: or_zero(figures.ended(queue, "1h", outcome="failure")),
        steps=((1, "orange"),),
    )
    yield column("Dead letters", figures.dead_letters, steps=((1, "orange"),))
    if figures.priced:
        yield column("Cost an hour", figures.queue_usd, "currencyUSD")


def _wait_s(figures: Figures, queue: str) -> str:
    quantile = figures.config.queues[queue].objective.quantile
    return figures.quantile_s("fleet_task_wait_seconds", queue, quantile, _WINDOW)


def _of_promise(figures: Figures, queue: str) -> str:
    promise = figures.config.queues[queue].objective
    return f"{_wait_s(figures, queue)} / {promise.tolerated_wait_s:g}"


def _in_time(figures: Figures) -> Iterator[Panel]:
    of = figures.series.of
    yield lines(
        "Waiting by queue",
        "Messages that wait; each queue's own bound is on its dashboard.",
        "short",
        [Query(f"max by (queue) ({of('fleet_queue_pending')})", "{{queue}}")],
        "CeleryQueueBacklog",
    )
    yield lines(
        "Wait as a part of what is promised",
        "From publishing to the start, of the share of tasks that each queue promises, over 15 "
        "minutes; above 100 % the promise is broken.",
        "percentunit",
        [
            *(Query(_of_promise(figures, queue), queue) for queue in figures.config.queues),
            Query("vector(1)", "promise", dashed=True),
        ],
        "CeleryQueueWaitFastBurn",
        "CeleryQueueWaitSlowBurn",
    )
    ended = counted(of("fleet_tasks_total"), "5m", "outcome")
    yield lines(
        "Outcomes",
        "Runs that ended, a minute, over five minutes.",
        "cpm",
        [Query(f"{ended} / 5", "{{outcome}}")],
        "CeleryQueueFailures",
    )


def _singles(figures: Figures) -> Iterator[Panel]:
    yield from _broker(figures)
    yield from _beat_and_janitor(figures)
    yield _schedules(figures)


def _broker(figures: Figures) -> Iterator[Panel]:
    of = figures.series.of
    yield stat(
        "Broker",
        "Whether it answers.",
        "bool_yes_no",
        f"max({of('redis_up')})",
        _YES,
        "RedisDown",
    )
    yield stat(
        "Broker's memory",
        "What is used of what it may use; a broker without a limit shows nothing.",
        "percentunit",
        f"max({of('redis_memory_used_bytes')} / ({of('redis_memory_max_bytes')} > 0))",
        ((figures.config.alarms.memory_percent / 100, "orange"), (0.9, "red")),
        "RedisMemory",
    )


def _beat_and_janitor(figures: Figures) -> Iterator[Panel]:
    of = figures.series.of
    yield stat(
        "Beat",
        "Whether it answers Prometheus: without it no schedule is sent.",
        "bool_yes_no",
        or_zero(f"max({of('up', equal('container', BEAT))})"),
        _YES,
        "CeleryBeatAbsent",
    )
    yield stat(
        "Janitor's last round",
        "Since it last looked at everything; figures of queues are as old.",
        "s",
        f"time() - max({of('fleet_janitor_last_round_timestamp_seconds')})",
        ((60, "orange"), (120, "red")),
        "CeleryJanitorSilent",
    )
    yield stat(
        "Lists that no queue owns",
        "Lists under the key prefix that nothing consumes.",
        "none",
        f"max({of('fleet_unowned_lists')})",
        ((1, "orange"),),
        "CeleryListUnowned",
    )
    yield stat(
        "Counts that differ",
        "Messages by which the workers' in-flight hashes and their indexes differ.",
        "none",
        f"sum(max by (worker) ({of('fleet_in_flight_mismatch')}))",
        ((1, "orange"),),
    )


def _schedules(figures: Figures) -> Panel:
    sent = figures.series.of("fleet_beat_last_send_timestamp_seconds")
    return replace(
        lines(
            "Since each schedule was sent",
            "Nothing for a schedule that was never sent.",
            "s",
            [Query(f"time() - max by (schedule) ({sent})", "{{schedule}}")],
            "CeleryScheduleNotSent",
        ),
        width=24,
        height=5,
    )


def _alerts(figures: Figures) -> Panel:
    labels = ("alertname", "severity", "queue", "worker")
    firing = f'ALERTS{{alertstate="firing",stack="{figures.stack}"}}'
    none = labelled("vector(0)", alertname="none")
    return Panel(
        "table",
        "Firing alerts",
        "What fires now, and what it is about; one row `none` where nothing does.",
        "none",
        (Query(f"count by ({', '.join(labels)}) ({firing}) or on() {none}", "Firing"),),
        keys=labels,
        width=24,
        height=6,
    )
