"""How fast replicas can follow: what no autoscaler can beat."""

from dataclasses import dataclass

from infra.models.cluster import NodeGroupSpec
from infra.models.worker import WorkerSpec

_POLL_WAIT_SHARE = 20
_POLL_COOLDOWN_SHARE = 6
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
        return round(_cooldown_s(self.cold_s))


def reaction(
    worker: WorkerSpec, group: NodeGroupSpec, hpa_s: int, wait_s: float, poll_s: int | None
) -> Reaction:
    """Reaction of one worker kind on its node group.

    A twentieth of the tolerated wait `wait_s` is a harmless polling interval, and so is a sixth
    of the cooldown: KEDA goes to zero at the first poll after it. A stated one, `poll_s`, wins.
    """
    node_s = 0.0 if group.headroom else group.launch_s + group.image_pull_s
    cold_s = worker.start_s + node_s
    if poll_s is None:
        harmless_s = min(wait_s / _POLL_WAIT_SHARE, _cooldown_s(cold_s) / _POLL_COOLDOWN_SHARE)
        poll_s = round(min(max(harmless_s, _POLL_MIN_S), _POLL_MAX_S))
    return Reaction(poll_s, hpa_s, cold_s)


def _cooldown_s(cold_s: float) -> float:
    return min(max(cold_s, _COOLDOWN_MIN_S), _COOLDOWN_MAX_S)
