"""How fast replicas can follow: what no autoscaler can beat."""

from dataclasses import dataclass

from infra.models.cluster import NodeGroupSpec
from infra.models.worker import WorkerSpec

_POLL_SHARE = 20
_POLL_MIN_S = 1
_POLL_MAX_S = 15
_COOLDOWN_MIN_S = 30
_COOLDOWN_MAX_S = 900


@dataclass(frozen=True)
class Reaction:
    """Seconds from a message to a worker that can take it, at worst."""

    poll_s: int
    """KEDA's look for a reason to leave zero."""
    hpa_s: int
    """The HPA's period between one and many."""
    cold_s: float
    """From a new pod to its first task."""

    @property
    def from_zero_s(self) -> float:
        return self.poll_s + self.cold_s

    @property
    def from_one_s(self) -> float:
        return self.hpa_s + self.cold_s

    @property
    def cooldown_s(self) -> int:
        """As long idle as a restart costs: never worse than twice the best choice."""
        return round(min(max(self.cold_s, _COOLDOWN_MIN_S), _COOLDOWN_MAX_S))


def reaction(
    worker: WorkerSpec, group: NodeGroupSpec, hpa_s: int, wait_s: float, poll_s: int | None
) -> Reaction:
    """Reaction of one worker kind on its node group.

    A twentieth of the tolerated wait `wait_s` is a harmless polling interval; a stated one,
    `poll_s`, wins.
    """
    node_s = 0.0 if group.headroom else group.launch_s + group.image_pull_s
    derived = round(min(max(wait_s / _POLL_SHARE, _POLL_MIN_S), _POLL_MAX_S))
    return Reaction(poll_s if poll_s is not None else derived, hpa_s, worker.start_s + node_s)
