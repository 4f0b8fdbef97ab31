"""Who keeps the promise of which queue, at what cost: runs of many seeds made into verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.model.case import Case
from benchmarks.model.contenders import ABLATIONS, AMPLE, HINDSIGHT, OURS
from benchmarks.model.runs import Run

# A policy that costs up to this much of the cheapest one's cost counts as cheap as it.
BEARABLE_RATIO = 1.1
# Of the queues that can be served at all.
WANTED_SHARE = 0.95
_RESAMPLES = 2000
_NO_PEERS = frozenset({OURS, AMPLE, HINDSIGHT, *ABLATIONS})


@dataclass(frozen=True)
class Standing:
    """One policy on one queue, over all seeds."""

    in_bursts: float
    """Share of the tasks published in a declared burst that started within the tolerated wait."""
    otherwise: float
    """The same of all other tasks."""
    keeps: bool
    """Whether both reach the promised share, as `fleet plan` judges."""
    p95_s: float
    """Median over the seeds; infinite where fewer tasks than that ever started."""
    usd: tuple[float, ...]
    """Of each seed's span."""
    killed: int
    lost: int
    duplicates: int

    @property
    def least_share(self) -> float:
        return min(self.in_bursts, self.otherwise)

    @property
    def mean_usd(self) -> float:
        return float(np.mean(self.usd))


@dataclass(frozen=True)
class Verdict:
    """All policies on one queue."""

    case: Case
    standings: Mapping[str, Standing]

    @property
    def ours(self) -> Standing:
        return self.standings[OURS]

    @property
    def feasible(self) -> bool:
        """Whether replicas that never go, as many as the load could use, keep the promise."""
        return self.standings[AMPLE].keeps

    @property
    def cheapest(self) -> str | None:
        """The cheapest other policy that keeps the promise and loses no task."""
        keepers = {
            name: standing.mean_usd
            for name, standing in self.standings.items()
            if name not in _NO_PEERS and standing.keeps and not standing.lost
        }
        return min(keepers, key=lambda name: keepers[name]) if keepers else None

    @property
    def ratio(self) -> float | None:
        """Our cost over that of the cheapest; None where nobody else keeps the promise."""
        name = self.cheapest
        return None if name is None else self.ours.mean_usd / self.standings[name].mean_usd

    @property
    def over_hindsight(self) -> float | None:
        """Our cost over that of the fewest fixed replicas; None where none keeps the promise."""
        least = self.standings[HINDSIGHT]
        return self.ours.mean_usd / least.mean_usd if least.keeps else None

    @property
    def ratio_range(self) -> tuple[float, float] | None:
        """95 % of the ratio's bootstrap, the seeds drawn in pairs."""
        name = self.cheapest
        if name is None:
            return None
        ours, theirs = np.array(self.ours.usd), np.array(self.standings[name].usd)
        picks = np.random.default_rng(0).integers(0, len(ours), (_RESAMPLES, len(ours)))
        low, high = np.quantile(ours[picks].mean(1) / theirs[picks].mean(1), [0.025, 0.975])
        return float(low), float(high)

    @property
    def good(self) -> bool:
        """Whether we keep the promise and nobody does at clearly less."""
        return self.ours.keeps and (self.ratio is None or self.ratio <= BEARABLE_RATIO)


@dataclass(frozen=True)
class Tally:
    """One policy over many queues; only feasible ones count towards `keeps`."""

    feasible: int
    keeps: int
    killed: int
    lost: int
    duplicates: int


def standing(case: Case, runs: Sequence[Run]) -> Standing:
    """Pool the seeds of one policy on one queue."""
    burst, all_tasks = sum(run.burst_tasks for run in runs), sum(run.tasks for run in runs)
    burst_in_time = sum(run.burst_in_time for run in runs)
    in_time = sum(run.in_time for run in runs)
    in_bursts = burst_in_time / burst if burst else 1.0
    steady = all_tasks - burst
    otherwise = (in_time - burst_in_time) / steady if steady else 1.0
    return Standing(
        in_bursts=in_bursts,
        otherwise=otherwise,
        keeps=min(in_bursts, otherwise) >= case.queue.objective.quantile,
        p95_s=median(np.inf if run.p95_s is None else run.p95_s for run in runs),
        usd=tuple(case.usd(run.pod_s, run.node_s) for run in runs),
        killed=sum(run.killed for run in runs),
        lost=sum(run.lost for run in runs),
        duplicates=sum(run.duplicates for run in runs),
    )


def tally(verdicts: Sequence[Verdict], name: str) -> Tally:
    """Count one policy's queues and mishaps."""
    standings = [(verdict.feasible, verdict.standings[name]) for verdict in verdicts]
    return Tally(
        feasible=sum(feasible for feasible, _ in standings),
        keeps=sum(feasible and one.keeps for feasible, one in standings),
        killed=sum(one.killed for _, one in standings),
        lost=sum(one.lost for _, one in standings),
        duplicates=sum(one.duplicates for _, one in standings),
    )


def cost_ratio(verdicts: Sequence[Verdict]) -> float:
    """Our cost over that of the cheapest, the median queue's, where both keep the promise."""
    return median(one.ratio for one in verdicts if one.ratio is not None and one.ours.keeps)


def relative_cost(verdicts: Sequence[Verdict], name: str) -> float:
    """Cost over ours, the geometric mean of the queues, kept promises or not."""
    ratios = [verdict.standings[name].mean_usd / verdict.ours.mean_usd for verdict in verdicts]
    return float(np.exp(np.mean(np.log(ratios))))


def passed(verdicts: Sequence[Verdict]) -> bool:
    """The target: nothing killed, and almost every feasible queue served at a bearable cost."""
    feasible = [verdict for verdict in verdicts if verdict.feasible]
    good = sum(verdict.good for verdict in feasible)
    killed = sum(verdict.ours.killed for verdict in verdicts)
    return killed == 0 and good >= WANTED_SHARE * len(feasible)
