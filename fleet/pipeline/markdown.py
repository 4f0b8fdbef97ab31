"""Text of others in a comment: fenced, escaped and cut, so that it breaks out of nothing."""

from collections.abc import Iterable, Iterator

MARKER = "<!-- celery-fleet-preview -->"
"""By this the comment is found again; it begins with it."""
_LINES = 40
_LINE = 300


def few(lines: Iterable[str], most: int = _LINES) -> list[str]:
    """Return the first lines, each cut, and how many more there are."""
    found = [line if len(line) <= _LINE else f"{line[: _LINE - 3]}..." for line in lines]
    more = len(found) - most
    return [*found[:most], f"... and {more} more"] if more > 0 else found


def block(told: str, language: str = "") -> Iterator[str]:
    """Fence a text that may hold fences, or a marker, of its own."""
    ticks = "```"
    while ticks in told:
        ticks += "`"
    yield f"{ticks}{language}\n{told.replace(MARKER, '')}\n{ticks}"


def code(told: str) -> str:
    """Return a word or two as code."""
    return f"`{told.replace('`', '')}`"


def text(told: str) -> str:
    """Return plain text on one line."""
    return " ".join(told.replace("<", "&lt;").split())


def cell(told: str) -> str:
    """Return text that stays in its cell of a table."""
    return text(told).replace("|", "\\|")
