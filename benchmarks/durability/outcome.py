"""What one kill, and several kills in one way, came to."""

import math
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, takewhile

from benchmarks.durability.producer import Answered


@dataclass(frozen=True)
class Outcome:
    """One kill."""

    took_s: Sequence[float]
    """Of each publish that was answered."""
    lost: int
    """How many of them are not there any more."""

    @property
    def answered(self) -> int:
        return len(self.took_s)

    @property
    def last_second(self) -> int:
        """How many were answered in the second before the last one was."""
        upto_s = accumulate(reversed(self.took_s))
        return sum(1 for _ in takewhile(lambda s: s <= 1.0, upto_s))


@dataclass(frozen=True)
class Cell:
    """All kills in one way; a row of the report."""

    kills: int
    publishes_per_s: float
    """Of one publisher, which sends one after the other."""
    p50_ms: float
    p99_ms: float
    answered: int
    lost: int
    worst: int
    """Most that one kill lost."""
    last_second: int
    """Most that were answered in the second before a kill."""


def outcome(told: Answered, there: Set[str]) -> Outcome:
    """Compare what was answered with what is there."""
    return Outcome(told.took_s, len(set(told.ids) - there))


def cell(outcomes: Iterable[Outcome]) -> Cell:
    """Sum up kills; there is one at least, and each saw a publish answered."""
    kills = list(outcomes)
    took_s = sorted(each for kill in kills for each in kill.took_s)
    return Cell(
        kills=len(kills),
        publishes_per_s=round(len(took_s) / sum(took_s), 1),
        p50_ms=round(1000 * _quantile(took_s, 0.5), 2),
        p99_ms=round(1000 * _quantile(took_s, 0.99), 2),
        answered=len(took_s),
        lost=sum(kill.lost for kill in kills),
        worst=max(kill.lost for kill in kills),
        last_second=max(kill.last_second for kill in kills),
    )


def _quantile(ascending: Sequence[float], share: float) -> float:
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]
