"""The findings of a preflight: a table, and below it how to mend what is short."""

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from fleet.aws.finding import Finding

_STYLES = {"ok": "", "hint": "yellow", "BAD": "red"}


def table(stack: str, region: str, found: Iterable[tuple[str, Finding]]) -> Table:
    """A row per finding: what was looked at, and what is wrong with it."""
    made = Table(
        title=f"AWS for stack {stack}, region {region}; nothing was changed",
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    made.add_column("check", no_wrap=True)
    made.add_column("", no_wrap=True)
    made.add_column("found", overflow="fold")
    last = ""
    for title, one in found:
        made.add_row(
            title if title != last else "",
            one.state,
            Text(one.subject if one.problem is None else f"{one.subject}: {one.problem}"),
            style=_STYLES[one.state],
        )
        last = title
    return made


def remedies(found: Iterable[tuple[str, Finding]]) -> Iterator[Text]:
    """A line for each shortfall and hint; commands in it are whole, to be copied."""
    for title, one in found:
        if one.problem is not None:
            told = f"{one.state:<4} {title}, {one.subject.partition(':')[0]}: {one.mend}"
            yield Text(told, style=_STYLES[one.state])


def verdict(shortfalls: int) -> Text:
    """The last line."""
    if shortfalls:
        return Text(f"shortfalls: {shortfalls}; mend them before pulumi up", style="red")
    return Text("nothing found that would stop pulumi up", style="green")
