"""The AWS bill of a stack as a table."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from fleet.planning.aws_cost import NOT_COUNTED, Part, unpriced


def table(stack: str, region: str, bill: Sequence[Part]) -> Table:
    """A row per part: how many and what a month of them costs, at rest and under load."""
    lacking = unpriced(bill)
    caption = f"estimate at the stack file's prices; not counted: {NOT_COUNTED}"
    if lacking:
        caption += f"; [red]without a price in prices: {', '.join(lacking)}[/]"
    made = Table(
        title=f"AWS, stack {stack} in {region}: US dollars a month",
        caption=caption,
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    made.add_column("part")
    for heading in ("at rest", "$", "under load", "$"):
        made.add_column(heading, justify="right", no_wrap=True)
    for one in bill:
        made.add_row(
            one.name, _count(one.at_rest), _usd(one.rest_usd), _count(one.under_load),
            _usd(one.load_usd),
        )  # fmt: skip
    made.add_section()
    least = "at least " if lacking else ""
    rest = sum(one.rest_usd or 0.0 for one in bill)
    load = sum(one.load_usd or 0.0 for one in bill)
    made.add_row("together", "", f"{least}{rest:,.0f}", "", f"{least}{load:,.0f}", style="bold")
    return made


def _count(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def _usd(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
