"""How dead letters are shown: a table for each queue, and one letter with its whole history."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fleet.dead import DeadQueue
from fleet.kubernetes import Object

_OURS = "worker_image.tasks."
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def letters(queues: Mapping[str, DeadQueue], now: float) -> RenderableType:
    """Lay the letters out, queue by queue; a queue without any is not named.

    Args:
        queues: by name.
        now: Unix time, from which ages are told.

    """
    tables = [_table(name, queue, now) for name, queue in queues.items() if queue.count]
    return Group(*tables) if tables else Text("no dead letters")


def letter(found: Object) -> str:
    """Tell all that is known of one letter, in the order in which it happened."""
    lines = [
        f"task        {found['task'] or 'unknown'}",
        f"id          {found['task_id']}",
        f"queue       {found['queue']}",
        f"reason      {found['reason']}",
        f"deliveries  {found['deliveries']}",
        "",
        *(f"{at}  {what}" for at, what in _history(found)),
        "",
        "message",
        json.dumps(found["message"], indent=2, ensure_ascii=False),
    ]
    return "\n".join(lines)


def age(seconds: float) -> str:
    """Word how long ago something was."""
    for unit_s, unit in _UNITS:
        if seconds >= unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _table(name: str, queue: DeadQueue, now: float) -> Table:
    shown = len(queue.newest)
    more = f", the newest {shown}" if shown < queue.count else ""
    table = Table(
        title=f"{name}: {queue.count} dead letters{more}",
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("deliveries", justify="right", no_wrap=True)
    # An id is copied: it is never cut.
    table.add_column("task, id, reason", overflow="fold")
    for each in queue.newest:
        task = each["task"].removeprefix(_OURS) or "unknown"
        told = "\n".join((task, each["task_id"], each["reason"]))
        # Text, in which square brackets are no markup.
        row = (age(now - each["parked_at"]), str(each["deliveries"]), told)
        table.add_row(*map(Text, row))
    return table


def _history(found: Object) -> Iterator[tuple[str, str]]:
    if found["published_at"] is not None:
        yield _moment(found["published_at"]), "published"
    for number, at in enumerate(found["redelivered_at"], 2):
        yield _moment(at), f"delivery {number} started"
    yield _moment(found["parked_at"]), f"parked; last error: {found['last_error']}"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
