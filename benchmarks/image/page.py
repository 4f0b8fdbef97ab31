"""The figures as a Markdown page."""

from collections.abc import Iterator

from benchmarks.image.report import RATIO_LEAST, START_MOST_S, Part, Report

_PAGE = """# The worker image beside a plain Celery app

Made by `python -m benchmarks.image`; do not edit. It took {took_s:.0f} s.

- Plain: an app as Celery's first tutorial has it, with default settings: early acknowledgement,
  four messages held for each slot. Fleet: the worker image's app with the command line, settings
  and variables of its pod: late acknowledgement, statistics, metrics, JSON logs, time limits, the
  guard against poison, presence.
- The same task, broker (on this machine, no TLS), pool and slots. Both workers run side by side
  and take turns in blocks of about a second; each ratio is of a pair of blocks, and who
  begins changes. Above 1 the fleet's worker is faster.
- Tasks of 0 and 10 ms: the fleet's worker holds four messages a slot as well, which the model
  allows up to 50 ms. Tasks of 100 ms: it holds none beyond those that run.
- Targets: a ratio of {ratio_least}; the first result {start_most_s} s after a worker's start.

{problems}

![Fleet to plain throughput](image.png)

{parts}
"""
_NO_IMAGE = "No image was built in this run: see `--image`."


def markdown(report: Report) -> str:
    """The whole result; the picture lies beside it."""
    missed = [f"- Missed: {problem}." for problem in report.problems]
    parts = [_table(part) for part in report.parts]
    return _PAGE.format(
        took_s=report.took_s,
        ratio_least=RATIO_LEAST,
        start_most_s=START_MOST_S,
        problems="\n".join(missed) or "All targets are met.",
        parts="\n\n".join([*parts, *([] if report.layers else [_NO_IMAGE])]),
    )


def _table(part: Part) -> str:
    return "\n".join((f"## {part.title}", "", *_lines(part)))


def _lines(part: Part) -> Iterator[str]:
    align = (":--", *("--:" for _ in part.heads[1:]))
    for cells in (part.heads, align, *part.rows):
        yield f"| {' | '.join(cells)} |"
