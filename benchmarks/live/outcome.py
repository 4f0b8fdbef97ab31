"""All blocks of a scenario: each policy's figures, and ours over each peer's."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.live.arms import OURS
from benchmarks.live.blocks import disturbed
from benchmarks.live.comparison import Ratio, ratio
from benchmarks.live.figures import RATIOS, Figures, figures
from benchmarks.live.record import RunRecord
from benchmarks.live.scenario import Scenario
from benchmarks.live.store import Store

COUNTS = ("killed", "redelivered", "duplicated", "lost", "unfinished", "failed")


@dataclass(frozen=True)
class Policy:
    """One policy in every block that counts."""

    name: str
    label: str
    runs: Mapping[int, RunRecord]
    figures: Mapping[int, Figures]

    def median(self, figure: str) -> float:
        """Middle of the blocks."""
        return median(float(getattr(one, figure)) for one in self.figures.values())

    def total(self, count: str) -> int:
        """Sum over the blocks."""
        return sum(int(getattr(one, count)) for one in self.figures.values())


@dataclass(frozen=True)
class Outcome:
    """One scenario; only blocks in which each policy ran undisturbed."""

    scenario: Scenario
    policies: Sequence[Policy]
    void: Mapping[int, str]
    """Why a block does not count."""

    @property
    def blocks(self) -> int:
        return len(self.policies[0].runs)

    @property
    def tasks(self) -> int:
        """Tasks of one block."""
        return sum(wave.tasks for wave in self.scenario.waves)

    def ratios(self) -> dict[str, dict[str, Ratio | None]]:
        """Map each peer and figure to ours over theirs; None where a peer's is 0."""
        named = {policy.name: policy for policy in self.policies}
        ours = named.pop(OURS, None)
        if ours is None:
            return {}
        return {
            name: {
                figure: ratio(_by_block(ours, figure), _by_block(peer, figure)) for figure in RATIOS
            }
            for name, peer in named.items()
        }


def outcome(store: Store, policies: Sequence[str], blocks: int) -> Outcome | None:
    """Read the complete blocks that were kept; None where there is none."""
    scenario, void = store.scenario, dict[int, str]()
    complete: dict[int, list[RunRecord]] = {}
    for block in range(blocks):
        runs = [found for name in policies if (found := store.read(name, block)) is not None]
        if len(runs) < len(policies):
            continue
        why = [disturbed(run, scenario) for run in runs]
        if any(why):
            void[block] = "; ".join(one for one in why if one)
        else:
            complete[block] = runs
    if not complete:
        return None
    gathered = [
        _policy(scenario, {block: runs[index] for block, runs in complete.items()})
        for index in range(len(policies))
    ]
    return Outcome(scenario, gathered, void)


def _policy(scenario: Scenario, runs: Mapping[int, RunRecord]) -> Policy:
    one = next(iter(runs.values()))
    reduced = {block: figures(run, scenario.tolerated_s) for block, run in runs.items()}
    return Policy(one.arm, one.label, runs, reduced)


def _by_block(policy: Policy, figure: str) -> dict[int, float]:
    return {block: float(asdict(one)[figure]) for block, one in policy.figures.items()}
