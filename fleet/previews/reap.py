"""`fleet preview reap`: which previews have had their time, and what became of each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console

from fleet.previews import down, records
from fleet.previews.checkout import Branches, Checkout
from fleet.previews.engine import PreviewEngine
from fleet.previews.place import Place
from fleet.previews.records import Preview
from rehearsal.errors import RehearsalError


@dataclass(frozen=True)
class Request:
    """What a person or CI asks for."""

    dry_run: bool
    """Only say which would go."""
    fetched: bool
    """Branches are those that this checkout has just fetched."""


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


def run(where: Place, engine: PreviewEngine, asked: Request, console: Console) -> bool:
    """Take down what is due; False if any of it stays, or if branches could not be looked at."""
    errors = Console(stderr=True)
    # Before the branches: one that is pushed and brought up meanwhile is not among these.
    found = records.previews(where, engine)
    branches, looked_at = None, True
    try:
        branches = _branches(where, found, asked)
    except RehearsalError as error:
        looked_at = False
        why = f"{error.what} ({error.why}; mend: {error.mend})"
        told = f"branches are not looked at, only the time of each: {why}"
        errors.print(told, style="red", markup=False, soft_wrap=True)
    condemned = list(due(found, branches, datetime.now(UTC)))
    for each in condemned:
        console.print(f"{each.name}: {each.reason}", highlight=False, markup=False)
    console.print(f"{len(condemned)} of {len(found)} previews are due", highlight=False)
    going = [] if asked.dry_run else condemned
    outcomes = reap(going, lambda name: down.run(where, engine, name, console))
    staying = [each for each in outcomes if each.problem]
    for left in staying:
        told = f"{left.due.name} is still there: {left.problem}"
        errors.print(told, style="red", markup=False)
    return looked_at and not staying


def _branches(where: Place, found: Sequence[Preview], asked: Request) -> Branches | None:
    """Look for them where any of the previews would go with its own."""
    if any(each.told and each.told.branch_seen_at for each in found):
        return Checkout(where.project.root).branches(fetched=asked.fetched)
    return None


def due(found: Sequence[Preview], branches: Branches | None, now: datetime) -> Iterator[Due]:
    """Name the previews whose time is over or whose branch is gone; none that is at work.

    One that cannot tell whose it is stays: it may be half made this moment. Where branches are
    not known, time alone counts.
    """
    for each in found:
        if each.told is None or each.at_work:
            continue
        if branches and branches.gone(each.told.branch, each.told.branch_seen_at):
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
