"""Counts a probe's results against its thresholds."""

from dataclasses import dataclass

from rehearsal.node_agent.model.probe import Probe


@dataclass(frozen=True)
class Streak:
    """The latest run of equal results of one probe."""

    passed: bool | None = None
    length: int = 0

    def then(self, *, passed: bool) -> "Streak":
        return Streak(passed, self.length + 1 if passed == self.passed else 1)

    def verdict(self, probe: Probe) -> bool | None:
        """Whether the probe now counts as passing; None below the threshold: nothing changes."""
        threshold = probe.success_threshold if self.passed else probe.failure_threshold
        return self.passed if self.length >= threshold else None
