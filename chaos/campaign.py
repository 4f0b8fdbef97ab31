"""All runs of a campaign, and whether it proves what it is to prove."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from chaos.figures import Figures, figures, takeovers_s
from chaos.invariants import Broken, broken
from chaos.record import Observed

_SHOWN = 12


@dataclass(frozen=True)
class Campaign:
    """Runs by arm, one a seed."""

    runs: Mapping[str, list[Observed]]
    replicas: Sequence[Broken] = ()
    """What breaks I5 of ours; only a cluster can tell."""

    @cached_property
    def figures(self) -> Mapping[str, Mapping[str, Figures]]:
        """Figures by fault by arm, all seeds together."""
        found: dict[str, dict[str, Figures]] = {}
        for arm, runs in self.runs.items():
            for one in runs:
                for fault, came_to in figures(one).items():
                    of_fault = found.setdefault(fault, {})
                    of_fault[arm] = of_fault.get(arm, Figures()) + came_to
        return found

    @cached_property
    def broken(self) -> Mapping[str, Sequence[Broken]]:
        """What breaks an invariant, by arm."""
        found = {
            arm: [each for one in runs for each in broken(one)] for arm, runs in self.runs.items()
        }
        return found | {"ours": [*found.get("ours", ()), *self.replicas]}

    def total(self, arm: str) -> Figures:
        """One arm's figures, all faults together."""
        return sum((of[arm] for of in self.figures.values() if arm in of), Figures())

    def takeovers_s(self, arm: str) -> list[float]:
        """How long beat was silent, after each kill."""
        return [gap for one in self.runs[arm] for gap in takeovers_s(one)]

    @property
    def problems(self) -> list[str]:
        """Why the campaign fails; nothing where ours kept every promise and stock did not."""
        return [*self._ours(), *self._stock()]

    def _ours(self) -> Iterator[str]:
        found = self.broken.get("ours", ())
        for one in found[:_SHOWN]:
            where = f" [{one.episode}]" if one.episode else ""
            yield f"ours breaks {one.invariant}: {one.subject}{where}: {one.why}"
        if len(found) > _SHOWN:
            yield f"ours breaks invariants {len(found) - _SHOWN} times more"

    def _stock(self) -> Iterator[str]:
        if "stock" in self.runs and not self.total("stock").lost_innocent:
            yield "stock lost no message: the campaign proves nothing"
