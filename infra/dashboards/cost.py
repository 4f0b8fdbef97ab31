"""What the workers cost now: replicas, times the price of a pod as `fleet plan` counts it."""

from collections.abc import Iterator
from dataclasses import replace

from infra.alerts.rule import counted, equal
from infra.dashboards.figures import Figures
from infra.dashboards.panel import Panel, Query, Row, lines, stat
from infra.sizing.price import HOURS_PER_MONTH

_COUNTED = (
    "Each pod pays for the scarcest of CPU, memory and GPU that it asks of its node, at the stack "
    "file's prices; nodes that stand empty, control plane, broker and network are not in it."
)


def cost_rows(figures: Figures) -> tuple[Row, ...]:
    """Rows of the cost dashboard."""
    return (
        Row("Now", tuple(_now(figures))),
        Row("Over time", tuple(_over_time(figures))),
    )


def _now(figures: Figures) -> Iterator[Panel]:
    every = f"sum({figures.by_queue(figures.queue_usd)})"
    month = f"{every} * {HOURS_PER_MONTH:g}"
    height = 2 + 2 * len(figures.config.queues)
    for told in (
        stat("An hour", f"US dollars an hour of all workers. {_COUNTED}", "currencyUSD", every),
        stat("A month like now", f"The same for {HOURS_PER_MONTH:g} h.", "currencyUSD", month),
    ):
        yield replace(told, height=height)
    yield Panel(
        "bargauge",
        "By queue",
        "US dollars an hour; a queue's part by run time where its worker has several.",
        "currencyUSD",
        (Query(figures.by_queue(figures.queue_usd), "{{queue}}"),),
        width=16,
        height=height,
    )


def _over_time(figures: Figures) -> Iterator[Panel]:
    queues = [queue for queue in figures.config.queues if figures.queue_usd(queue)]
    yield replace(
        lines(
            "By queue",
            f"US dollars an hour. {_COUNTED}",
            "currencyUSD",
            [Query(figures.queue_usd(queue), queue) for queue in queues],
        ),
        stacked=True,
        width=12,
    )
    yield replace(
        lines(
            "A thousand tasks",
            "What the last hour's pods cost, divided by the tasks that ended in it; nothing where "
            "none did. It falls as pods are better used.",
            "currencyUSD",
            [Query(_per_thousand(figures, queue), queue) for queue in queues],
        ),
        width=12,
    )


def _per_thousand(figures: Figures, queue: str) -> str:
    """Pods as a mean over an hour: subqueries look once a minute."""
    spent = f"avg_over_time(({figures.queue_usd(queue)})[1h:1m])"
    ended = counted(figures.series.of("fleet_tasks_total", equal("queue", queue)), "1h")
    return f"1000 * {spent} / ({ended} > 0)"
