"""`fleet preview reap`: which previews have had their time, and what became of each."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from fleet.previews.records import Preview
from rehearsal.errors import RehearsalError


@dataclass(frozen=True)
class Due:
    """A preview that is to go, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What became of one."""

    due: Due
    problem: str | None = None
    """Why it is still there."""


def due(found: Sequence[Preview], branches: Collection[str], now: datetime) -> Iterator[Due]:
    """Name the previews whose time is over or whose branch is gone; none that is at work.

    One that cannot tell whose it is stays: it may be half made this moment.
    """
    for each in found:
        if each.told is None or each.at_work:
            continue
        if each.told.branch not in branches:
            yield Due(each.name, f"branch {each.told.branch} is gone")
        elif each.told.expires_at <= now:
            yield Due(each.name, f"expired {each.told.expires_at:%Y-%m-%d %H:%M} UTC")


def reap(condemned: Sequence[Due], take_down: Callable[[str], object]) -> Iterator[Outcome]:
    """Take each down; one that stays does not keep the others."""
    for each in condemned:
        try:
            take_down(each.name)
        except RehearsalError as error:
            yield Outcome(each, str(error))
        else:
            yield Outcome(each)
