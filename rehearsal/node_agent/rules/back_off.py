"""When a container that ended is started again: the kubelet's crash back-off."""

from dataclasses import dataclass

# kubelet.go: initial back-off 10 s, MaxCrashLoopBackOff 300 s (Kubernetes 1.36).
FIRST_DELAY_S = 10.0
LONGEST_DELAY_S = 300.0
# client-go flowcontrol/backoff.go `hasExpired`: twice the longest delay.
FORGOTTEN_AFTER_S = 2 * LONGEST_DELAY_S


@dataclass(frozen=True)
class BackOff:
    """The delay before the next restart; a container's first restart is immediate."""

    delay_s: float = 0.0
    restarted_at: float = 0.0

    def remaining_s(self, now: float, finished_at: float) -> float:
        """Seconds still to wait, counted from the end of the last run."""
        if self._forgotten(finished_at):
            return 0.0
        return max(0.0, finished_at + self.delay_s - now)

    def after_restart(self, now: float, finished_at: float) -> "BackOff":
        """The state once the container is started again: 10 s, then doubled up to 300 s."""
        if self.delay_s == 0.0 or self._forgotten(finished_at):
            return BackOff(FIRST_DELAY_S, now)
        return BackOff(min(2 * self.delay_s, LONGEST_DELAY_S), now)

    def _forgotten(self, finished_at: float) -> bool:
        return finished_at - self.restarted_at > FORGOTTEN_AFTER_S
