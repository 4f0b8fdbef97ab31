"""Previews as a table for people, and as JSON for programs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rich import box
from rich.table import Table

from fleet.previews.records import Preview

_HOUR_S = 3600
_DAY_H = 48


def table(found: Sequence[Preview], now: datetime) -> Table:
    """One row a preview: what it is of, how it is, since and until when, at what cost."""
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for heading in ("preview", "branch", "state", "age", "expires in", "$ a day", "commit"):
        made.add_column(heading, no_wrap=heading != "branch")
    for each in found:
        told, usd = each.told, each.cost.rest_usd
        made.add_row(
            each.name,
            told.branch if told else "-",
            each.state(now),
            _long(now - told.created_at) if told else "-",
            _long(told.expires_at - now) if told else "-",
            "-" if usd is None else f"{usd:.2f}",
            (told.commit or "-")[:12] if told else "-",
        )
    return made


def as_json(found: Sequence[Preview], now: datetime) -> list[dict[str, Any]]:
    """The same, with whole commits and times."""
    return [
        {
            "name": each.name,
            "state": each.state(now),
            "resources": each.resources,
            "usd_per_day_at_rest": each.cost.rest_usd,
            "usd_per_day_at_most": each.cost.most_usd,
            **(each.told.model_dump(mode="json") if each.told else {}),
        }
        for each in found
    ]


def _long(time: timedelta) -> str:
    """`over`, `25 min`, `7 h`, `3 d`."""
    seconds = time.total_seconds()
    if seconds <= 0:
        return "over"
    if seconds < _HOUR_S:
        return f"{seconds / 60:.0f} min"
    hours = seconds / _HOUR_S
    return f"{hours:.0f} h" if hours < _DAY_H else f"{hours / 24:.0f} d"
