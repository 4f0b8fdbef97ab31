"""How a difference is shown: dangers first and in red, then figures by worker, then sentences."""

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fleet.difference.figures import Figures
from fleet.difference.report import Report, Worker
from fleet.difference.words import cost_told, seconds

_HEADINGS = ("worker", "pods", "wait p95", "in a burst", "$ a month")
_CAPTION = (
    "wait p95: seconds from publish to start, simulated under the load that the stack file "
    "declares; $: of the pods' share of their nodes"
)
_ESCAPED = str.maketrans({"|": "\\|", "<": "&lt;", "*": "\\*", "_": "\\_"})


def render(stack: str, report: Report) -> RenderableType:
    """Lay a difference out for a terminal."""
    if not report.changed:
        return Group(Text(unchanged(stack)), *_notes(report))
    parts: list[RenderableType] = [_red(f"DANGER: {told}") for told in report.dangers]
    if rows := list(_rows(report.workers)):
        table = Table(
            title=f"stack {stack}",
            title_justify="left",
            caption=_CAPTION,
            caption_justify="left",
            header_style="bold",
            box=SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 1, 0, 0),
        )
        table.add_column(_HEADINGS[0], overflow="fold")
        for heading in _HEADINGS[1:]:
            table.add_column(heading, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*map(Text, row))
        parts.append(table)
    parts += [Text(f"- {line}") for line in report.lines]
    return Group(*parts, *_notes(report))


def markdown(stack: str, report: Report) -> str:
    """The same as a comment on a pull request."""
    if not report.changed:
        return "\n".join([unchanged(stack), *(f"\n> {note}" for note in report.notes)]) + "\n"
    blocks = [f"### What this does to stack `{stack}`"]
    blocks += [f"> [!CAUTION]\n> **Danger:** {_plain(told)}" for told in report.dangers]
    if rows := list(_rows(report.workers)):
        lines = [_HEADINGS, ("---", *["--:"] * (len(_HEADINGS) - 1)), *rows]
        blocks.append("\n".join(f"| {' | '.join(map(_cell, row))} |" for row in lines))
        blocks.append(f"<sub>{_CAPTION}</sub>")
    if report.lines:
        blocks.append("\n".join(f"- {_plain(line)}" for line in report.lines))
    blocks += [f"> {_plain(note)}" for note in report.notes]
    return "\n\n".join(blocks) + "\n"


def unchanged(stack: str) -> str:
    """The one line about nothing."""
    return f"stack {stack}: nothing changes"


def _rows(workers: Iterable[Worker]) -> Iterator[tuple[str, ...]]:
    """A row for each worker whose figures are known, at one end at least."""
    for each in workers:
        before, after = each.before, each.after
        if before is None and after is None:
            continue
        yield (
            each.change.name,
            _pods(each),
            _ends(before, after, "steady_p95_s"),
            _ends(before, after, "burst_p95_s"),
            _cost(before, after),
        )


def _pods(worker: Worker) -> str:
    old, new = (
        f"{end.min_replicas}..{end.max_replicas}" if end.max_replicas is not None else ""
        for end in (worker.change.old, worker.change.new)
    )
    if not new:
        return "as before"
    return new if old in {"", new} else f"{old} -> {new}"


def _ends(before: Figures | None, after: Figures | None, name: str) -> str:
    told = [seconds(getattr(end, name)) for end in (before, after) if end is not None]
    return " -> ".join(dict.fromkeys(told))


def _cost(before: Figures | None, after: Figures | None) -> str:
    if after is None or after.usd is None:
        return "-"
    if before is None:
        return f"+${after.usd:,.0f}"
    return (cost_told(before, after) or "same").removesuffix(" a month")


def _notes(report: Report) -> Iterator[Text]:
    for note in report.notes:
        yield Text(f"! {note}", style="yellow")


def _red(told: str) -> Text:
    return Text(told, style="bold red")


def _cell(text: str) -> str:
    return text if set(text) <= {"-", ":"} else _plain(text)


def _plain(text: str) -> str:
    """Text in which nothing is Markdown."""
    return text.translate(_ESCAPED)
