"""What each fault came to: losses, second runs, second effects, and how soon work went on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from statistics import median

from chaos.invariants import Broken, gone, lost, overlapping, run_again
from chaos.record import Observed, Struck

# Ends of a worker that no fault hit count as caused by the fault before them.
_TERM = 0
PROVING = frozenset({"plain", "retry", "eta", "long", "held"})
"""Kinds of messages whose loss is the delivery's fault, and nobody else's."""


@dataclass(frozen=True)
class Figures:
    """Of one fault and one arm; counts are of all seeds, times all that were seen."""

    messages: int = 0
    refused: int = 0
    """Publishing raised: nothing was promised."""
    parked: int = 0
    lost: int = 0
    lost_unsaved: int = 0
    """Of the lost, those that the broker lost itself, as its persistence allows."""
    lost_innocent: int = 0
    """Of the lost, those that neither broker nor producer is to blame for."""
    second_runs: int = 0
    """Starts beyond those that a retry asked for."""
    unexcused: int = 0
    """Second starts, and overlaps, of tasks whose owner had no fault."""
    overlaps: int = 0
    """Pairs of runs at once."""
    withheld: int = 0
    """Effects that the idempotency key withheld."""
    doubled: int = 0
    """Effects that were had twice."""
    restarts: int = 0
    """Workers that ended by themselves, with an error."""
    restart_s: tuple[float, ...] = ()
    """From a strike to the next start of each task that it cut off."""
    resume_s: tuple[float, ...] = ()
    """From a strike to the end of the first task that began once it was over."""

    @property
    def restart_median_s(self) -> float | None:
        return median(self.restart_s) if self.restart_s else None

    @property
    def resume_median_s(self) -> float | None:
        return median(self.resume_s) if self.resume_s else None

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            **{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)}
        )


def figures(observed: Observed) -> Mapping[str, Figures]:
    """Figures by episode, in the order the faults came."""
    names = dict.fromkeys(fault.episode for fault in observed.faults)
    return {name: _of(name, observed) for name in names}


def takeovers_s(observed: Observed) -> Sequence[float]:
    """Seconds for which beat sent nothing, the longest ones of each of its faults' kills."""
    found: list[float] = []
    for fault in observed.faults:
        if fault.number == 13:  # noqa: PLR2004 - the fault's number
            own = [at for _, at in observed.ticks if at <= fault.healed_at]
            gaps = sorted((after - before for before, after in pairwise(own)), reverse=True)
            found += gaps[:2]
    return found


def _of(episode: str, observed: Observed) -> Figures:
    own = [message for message in observed.published if message.episode == episode]
    ids = {message.id for message in own}
    faults = [fault for fault in observed.faults if fault.episode == episode]
    missing = {message.id for message in gone(observed)} & ids
    blamed = _subjects([*lost(observed)]) & ids
    innocent = {message.id for message in own if message.kind in PROVING}
    unexcused = [*run_again(observed), *overlapping(observed)]
    effects = [observed.effects.get(one, (0, 0)) for one in ids]
    return Figures(
        messages=len(own),
        refused=sum(message.error is not None for message in own),
        parked=len(ids & observed.keys.dead),
        lost=len(missing),
        lost_unsaved=len(missing - blamed),
        lost_innocent=len(blamed & innocent),
        second_runs=sum(_second_runs(one, observed) for one in ids),
        unexcused=len(_subjects(unexcused) & ids),
        overlaps=sum(_overlaps(one, observed) for one in ids),
        withheld=sum(withheld for _, withheld in effects),
        doubled=sum(max(0, applied - 1) for applied, _ in effects),
        restarts=_crashes(episode, observed),
        restart_s=tuple(took_s for fault in faults for took_s in _restarts_s(fault, observed)),
        resume_s=tuple(took_s for fault in faults for took_s in _resumes_s(fault, observed)),
    )


def _second_runs(task: str, observed: Observed) -> int:
    outcomes = Counter(one.outcome for one in observed.by_id.get(task, ()))
    return max(0, outcomes.total() - 1 - outcomes["retried"])


def _overlaps(task: str, observed: Observed) -> int:
    starts = observed.by_id.get(task, ())
    return sum(
        before.ended_at is not None and before.ended_at > after.began_at
        for before, after in pairwise(starts)
    )


def _crashes(episode: str, observed: Observed) -> int:
    victims = {name for fault in observed.faults for name in fault.victims}
    own = [fault for fault in observed.faults if fault.episode == episode]
    later = [
        fault.injected_at for fault in observed.faults if fault.injected_at > own[-1].injected_at
    ]
    began, until = own[0].injected_at, min(later, default=float("inf"))
    return sum(
        began <= end.at < until and end.code != _TERM and end.worker not in victims
        for end in observed.ends
    )


def _restarts_s(fault: Struck, observed: Observed) -> Iterator[float]:
    for one in observed.executions:
        cut_off = one.worker in fault.victims and one.outcome is None
        if cut_off and one.began_at <= fault.healed_at:
            later = (again.began_at for again in observed.by_id[one.id])
            again_at = next((at for at in later if at > max(one.began_at, fault.injected_at)), None)
            if again_at is not None:
                yield round(again_at - max(one.began_at, fault.injected_at), 2)


def _resumes_s(fault: Struck, observed: Observed) -> Iterator[float]:
    later = (one for one in observed.executions if one.began_at > fault.healed_at)
    ends = [one.ended_at for one in later if one.ended_at is not None]
    if ends:
        yield round(min(ends) - fault.injected_at, 2)


def _subjects(found: Sequence[Broken]) -> set[str]:
    return {one.subject for one in found}
