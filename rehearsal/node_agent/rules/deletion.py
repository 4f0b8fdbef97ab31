"""Until when a pod that is to go may run."""

from rehearsal.node_agent.model.base import Metadata
from rehearsal.node_agent.model.pod import Pod

# The API writes whole seconds: what it cut off belongs to the grace.
_CUT_OFF_S = 1.0
# pod_workers.go `calculateEffectiveGracePeriod`: no end without a moment to end in.
_LEAST_GRACE_S = 1.0


def deadline_at(meta: Metadata, now: float) -> float:
    """When the grace of a deleted pod ends, seconds since the epoch.

    It counts from the deletion, also for an agent that comes back meanwhile.
    """
    grace_s = float(meta.deletion_grace_period_seconds or 0)
    if meta.deletion_timestamp is None:
        return now + max(grace_s, _LEAST_GRACE_S)
    left_s = meta.deletion_timestamp.timestamp() + _CUT_OFF_S - now
    return now + max(min(grace_s, left_s), _LEAST_GRACE_S)


def deadline_of_removed(pod: Pod, now: float) -> float:
    """The same for a pod whose object is gone already: deleted by force, or with its node."""
    asked_s = pod.metadata.deletion_grace_period_seconds
    grace_s = pod.spec.termination_grace_period_seconds if asked_s is None else asked_s
    return now + max(float(grace_s), _LEAST_GRACE_S)
