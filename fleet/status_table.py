"""The table of `fleet status`: a row per queue, narrow enough for a terminal of 80 columns."""

from collections.abc import Iterator, Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from fleet.api_client import QueueStatistics
from fleet.fleet_state import Alert, FleetState, WorkerState

_COLUMNS = (
    "pods",
    "bounds",
    "pending",
    "in\nflight",
    "done",
    "failed",
    "deliv.\nagain",
    "wait s\np50, p95",
)
# Without a space, at which a long name would be taken to the next line.
_BELOW = "└"
# From here on decimals only distract.
_WHOLE_SECONDS = 10


def queue_table(title: str, fleet: FleetState, statistics: Mapping[str, QueueStatistics]) -> Table:
    """Lay the queues out below their workers; a backlog above its alert threshold is marked."""
    table = Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 0),
    )
    # A name that is too long is continued below, never cut.
    table.add_column("queue", overflow="fold")
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for worker in fleet.workers:
        for row in _rows(worker, fleet.alerts, statistics):
            table.add_row(*row)
    return table


def backlogs(fleet: FleetState, statistics: Mapping[str, QueueStatistics]) -> Iterator[str]:
    """Say which queues hold more than their alert's threshold; it is also the alert's own."""
    for queue, alert in fleet.alerts.items():
        found = statistics.get(queue)
        if found is not None and found.pending > alert.pending:
            yield (
                f"queue {queue}: {found.pending} messages wait, more than the {alert.pending} of "
                f"its alert (after {alert.for_minutes} minutes)"
            )


def _rows(
    worker: WorkerState, alerts: Mapping[str, Alert], statistics: Mapping[str, QueueStatistics]
) -> Iterator[list[str | Text]]:
    replicas = f"{worker.replicas.ready}/{worker.replicas.desired}"
    pods: list[str | Text] = [replicas, f"{worker.min_replicas}..{worker.max_replicas}"]
    counts = {q: _counts(statistics.get(q), alerts.get(q)) for q in worker.queues}
    if len(counts) == 1 and worker.name in {_dashed(queue) for queue in counts}:
        for queue, row in counts.items():
            yield [queue, *pods, *row]
        return
    yield [Text(worker.name, style="dim"), *pods]
    for queue, row in counts.items():
        yield [f"{_BELOW}{queue}", "", "", *row]


def _counts(found: QueueStatistics | None, alert: Alert | None) -> list[str | Text]:
    if found is None:
        return []
    above = alert is not None and found.pending > alert.pending
    pending = Text(f"! {found.pending}", style="bold yellow") if above else str(found.pending)
    others = (found.in_flight, found.done, found.failed, found.redelivered)
    waits = (found.wait_p50_s, found.wait_p95_s)
    return [pending, *map(str, others), ", ".join(_seconds(wait) for wait in waits)]


def _seconds(wait: float | None) -> str:
    if wait is None:
        return "-"
    return f"{wait:.2f}" if wait < _WHOLE_SECONDS else f"{wait:.0f}"


def _dashed(queue: str) -> str:
    return queue.replace("_", "-").replace(".", "-")
