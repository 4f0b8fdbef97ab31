"""What came of one simulated run: waits, what went wrong, what it cost."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Outcome:
    """One policy under one draw of a workload."""

    waits_s: NDArray[np.float64]
    """From publication to the first start, by task; infinite for a task that never started."""
    ends_s: NDArray[np.float64]
    """When each task first ended; infinite for a task that never did."""
    executions: int
    """Starts of tasks; each ends by itself, is killed, or runs when the simulation ends."""
    killed: int
    """Executions cut off by SIGKILL after the grace period."""
    redelivered: int
    """Messages put back by the visibility timeout."""
    repeated_ends: int
    """Ends of tasks that had already ended: the effect happened twice."""
    lost: int
    """Tasks acknowledged early and then killed; nobody runs them again."""
    pod_s: float
    """Pod-seconds until `end_s`, including those of pods that shut down."""
    node_s: float
    """Node-seconds until `end_s`; 0 where the nodes are shared with others."""
    pod_starts: int
    timeline: tuple[tuple[float, int], ...]
    """(seconds, replicas) at the beginning and at each change."""
    end_s: float
    """The end of the span, or when the last task was done if that is later."""

    @property
    def duplicates(self) -> int:
        """Executions of a task that had begun before: after a kill or a visibility timeout."""
        return self.executions - int(np.isfinite(self.waits_s).sum())

    @property
    def unfinished(self) -> int:
        """Tasks without an end, lost ones included."""
        return int(np.isinf(self.ends_s).sum())

    @property
    def completion_s(self) -> float:
        """When the last task ended; infinite if one did not, 0 without tasks."""
        return float(self.ends_s.max(initial=0.0))

    @property
    def max_replicas(self) -> int:
        """The most replicas at any time."""
        return max(replicas for _, replicas in self.timeline)

    @property
    def p50_s(self) -> float:
        """Median wait, seconds."""
        return self.wait_quantile_s(0.5)

    @property
    def p95_s(self) -> float:
        """95th percentile of the wait, seconds."""
        return self.wait_quantile_s(0.95)

    @property
    def p99_s(self) -> float:
        """99th percentile of the wait, seconds."""
        return self.wait_quantile_s(0.99)

    def wait_quantile_s(self, quantile: float) -> float:
        """A wait that occurred, not below the quantile; 0 without tasks."""
        if not self.waits_s.size:
            return 0.0
        return float(np.quantile(self.waits_s, quantile, method="higher"))

    def share_within(self, bound_s: float) -> float:
        """Share of tasks that started within `bound_s` of their publication; 1 without tasks."""
        return float(np.mean(self.waits_s <= bound_s)) if self.waits_s.size else 1.0
