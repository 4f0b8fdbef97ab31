"""How a smoke test is shown: a row for each queue, and a sentence for each that is not well."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fleet.smoke.verdict import Checked

_COLUMNS = ("wait s", "tolerated s", "run s")


def render(title: str, checked: Sequence[Checked], left_out: Sequence[str] = ()) -> RenderableType:
    """Lay the verdicts out for a terminal, and name the queues that were not looked at."""
    cold = any(each.aim.cold_s for each in checked)
    table = Table(
        title=title,
        title_justify="left",
        caption="tolerated: the objective's wait + a start from zero" if cold else None,
        caption_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("queue", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    # A name that is too long is continued below, never cut.
    table.add_column("pod", overflow="fold")
    for each in checked:
        table.add_row(*_row(each))
    below = [_line(*line) for line in lines(checked)]
    if left_out:
        below.append(_line(f"! not looked at: {', '.join(left_out)}", "yellow"))
    return Group(table, *below)


def lines(checked: Sequence[Checked]) -> Iterator[tuple[str, str]]:
    """Return what is to be known besides the figures, each with its colour."""
    for each in checked:
        well = each.verdict == "ok"
        told = [each.why, *each.aim.notes] if each.why else list(each.aim.notes)
        for sentence in told:
            yield (
                f"{'!' if well else 'x'} {each.aim.queue}: {sentence}",
                "yellow" if well else "red",
            )


def _row(each: Checked) -> list[str | Text]:
    aim, well = each.aim, each.verdict == "ok"
    cold = f" + {aim.cold_s:g}" if aim.cold_s else ""
    return [
        Text(aim.queue),
        Text(each.verdict, style="green" if well else "bold red"),
        "-" if each.wait_s is None else f"{each.wait_s:.2f}",
        f"{aim.promised_s:g}{cold}",
        "-" if each.run_s is None else f"{each.run_s:.3f}",
        Text(each.pod or "-"),
    ]


def _line(sentence: str, style: str) -> Text:
    return Text(sentence, style=style, overflow="fold")
