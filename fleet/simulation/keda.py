"""KEDA's own part: waking a worker from rest and sending it back (KEDA 2.21, scaling/executor)."""

from fleet.simulation.policy import ScalingPolicy


class Keda:
    """The poll of one ScaledObject: it wakes and puts to sleep, the HPA does the rest."""

    def __init__(self, policy: ScalingPolicy) -> None:
        self._least = max(1, policy.min_replicas)
        self._rest = policy.rest_replicas
        self._sleeps = policy.idle_at_zero or policy.min_replicas == 0
        self._wake_below = policy.min_replicas if policy.idle_at_zero else 1
        self._cooldown_s = policy.cooldown_s
        self._last_active_s: float | None = None

    def decide(self, now_s: float, replicas: int, *, active: bool) -> int:
        """Replicas after this poll.

        Waking goes to max(1, minReplicaCount) at once; the HPA adds the rest. Sleeping goes from
        any number straight to rest, past the HPA's windows and rates, once the last active poll
        is longer ago than the cooldown; a worker that was never active sleeps at once.
        """
        if active:
            self._last_active_s = now_s
            return max(replicas, self._least) if replicas < self._wake_below else replicas
        if self._sleeps and replicas > self._rest and self._cooled_down(now_s):
            return self._rest
        if not self._sleeps and replicas < self._least:
            return self._least
        return replicas

    def _cooled_down(self, now_s: float) -> bool:
        return self._last_active_s is None or self._last_active_s + self._cooldown_s < now_s
