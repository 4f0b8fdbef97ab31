"""How a burst is shown: redrawn on a terminal, as lines elsewhere, then summed up."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fleet.burst import Show
from fleet.burst_record import Sample, Summary
from fleet.chart import terminal_chart

_LINE_EVERY = 10
"""Samples between two lines where there is no terminal to redraw."""


@contextmanager
def showing(console: Console, queue: str) -> Iterator[Show]:
    """Show samples as they come; the chart of all of them stays at the end."""
    latest: list[Sample] = []

    def chart() -> Text:
        colour = console.is_terminal and console.color_system is not None
        size = (console.width, console.height)
        return Text.from_ansi(terminal_chart(latest, queue, size, colour=colour))

    def keep(samples: list[Sample]) -> None:
        latest[:] = samples

    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:

            def redraw(samples: list[Sample]) -> None:
                keep(samples)
                live.update(chart(), refresh=True)

            yield redraw
        return

    def print_line(samples: list[Sample]) -> None:
        keep(samples)
        if len(samples) % _LINE_EVERY == 1:
            console.print(_line(samples[-1]), highlight=False, soft_wrap=True)

    yield print_line
    if latest:
        console.print(chart(), soft_wrap=True)


def summary_table(summary: Summary, queue: str) -> Table:
    """Lay the figures out."""
    table = Table(title=f"burst on {queue}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("tasks sent", f"{summary.tasks} in {summary.sent_after_s:.1f} s")
    table.add_row("results", f"{summary.results} ({summary.failed} failed)")
    table.add_row("redelivered", str(summary.redelivered))
    table.add_row("first start after", _seconds(summary.first_start_after_s))
    table.add_row("drained after", _seconds(summary.drained_after_s))
    table.add_row("most replicas", str(summary.max_replicas))
    table.add_row("back to the minimum after", _seconds(summary.back_to_minimum_after_s))
    return table


def _line(sample: Sample) -> str:
    return (
        f"{sample.at_s:6.1f} s  pending {sample.pending:4}  in flight {sample.in_flight:3}  "
        f"done {sample.done:4}  replicas {sample.ready}/{sample.desired}"
    )


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
