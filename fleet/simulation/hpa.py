"""The HorizontalPodAutoscaler's arithmetic (Kubernetes 1.36, pkg/controller/podautoscaler).

First a metric makes a proposal, within a dead band of the present number; then bounds, windows
and rates decide how much of the proposal is done.
"""

import math
from collections import deque
from collections.abc import Iterable

from fleet.simulation.policy import DEFAULT_DOWN, Behavior, Rate, Rules

# Growth of an HPA without a behavior, a sync: double, or to 4 (horizontal.go, scaleUpLimit*).
_LEGACY_GROWTH = 2
_LEGACY_GROWTH_FLOOR = 4
# Ticks are sums of floats: what happened a whole window ago must count as outside of it.
_CLOCK_ERROR_S = 1e-6
_MILLI = 1000


def average_value_replicas(
    value: float, per_replica: float, replicas: int, tolerance: float
) -> int:
    """Proposal of an external AverageValue metric; pods that are not ready count as replicas.

    Values are rounded to thousandths, as KEDA's adapter reports them.
    """
    usage, target = round(value * _MILLI), round(per_replica * _MILLI)
    if _within(usage / (target * replicas), tolerance):
        return replicas
    return -(-usage // target)


def value_replicas(value: float, target: float, replicas: int, ready: int, tolerance: float) -> int:
    """Proposal of an external Value metric: a ratio times the ready replicas."""
    ratio = value / target
    return replicas if _within(ratio, tolerance) else math.ceil(ratio * ready)


def utilization_replicas(ratio: float, replicas: int, ready: int, tolerance: float) -> int:
    """Proposal of a resource metric whose ready pods use `ratio` of the target on average.

    On the way up, pods that are not ready count as using nothing, unless that would turn the way
    around; on the way down they do not count.
    """
    if ready == 0:
        return replicas
    if replicas == ready or ratio <= 1:
        return replicas if _within(ratio, tolerance) else math.ceil(ratio * ready)
    spread = ratio * ready / replicas
    if _within(spread, tolerance):
        return replicas
    return max(replicas, math.ceil(spread * replicas))


def _within(ratio: float, tolerance: float) -> bool:
    return 1 - tolerance <= ratio <= 1 + tolerance


class Hpa:
    """One HPA: its bounds, and its memory of proposals and of changes it made."""

    def __init__(self, low: int, high: int, behavior: Behavior | None) -> None:
        self._low = low
        self._high = high
        self._behavior = behavior
        self._proposals: deque[tuple[float, int]] = deque()
        self._added: deque[tuple[float, int]] = deque()
        self._removed: deque[tuple[float, int]] = deque()

    def decide(self, now_s: float, replicas: int, proposal: int) -> int:
        """Replicas after this sync, given the present ones and what the metric proposes.

        At zero it does nothing: waking is KEDA's part. Outside the bounds it returns to them at
        once, whatever the metric says.
        """
        if not self._proposals:
            self._proposals.append((now_s, replicas))
        if replicas == 0:
            return 0
        if replicas > self._high:
            decided = self._high
        elif replicas < self._low:
            decided = self._low
        elif self._behavior is None:
            decided = self._without_behavior(now_s, replicas, proposal)
        else:
            decided = self._with_behavior(self._behavior, now_s, replicas, proposal)
        self._remember(now_s, decided - replicas)
        return decided

    def _without_behavior(self, now_s: float, replicas: int, proposal: int) -> int:
        self._forget(now_s, DEFAULT_DOWN.window_s)
        # Kubernetes counts a proposal exactly a window old here, and does not with a behavior.
        stable = max([proposal, *(value for _, value in self._proposals)])
        self._proposals.append((now_s, proposal))
        limit = max(_LEGACY_GROWTH * replicas, _LEGACY_GROWTH_FLOOR)
        return max(self._low, min(stable, limit, self._high))

    def _with_behavior(self, behavior: Behavior, now_s: float, replicas: int, proposal: int) -> int:
        up, down = behavior.up, behavior.down
        lowest = min([proposal, *self._since(now_s - up.window_s)])
        highest = max([proposal, *self._since(now_s - down.window_s)])
        self._forget(now_s, max(up.window_s, down.window_s))
        self._proposals.append((now_s, proposal))
        stable = min(max(replicas, lowest), highest)
        if stable > replicas:
            limit = max(replicas, self._limit(up, now_s, replicas, growing=True))
            return min(stable, limit, self._high)
        if stable < replicas:
            limit = min(replicas, self._limit(down, now_s, replicas, growing=False))
            return max(stable, limit, self._low)
        return replicas

    def _limit(self, rules: Rules, now_s: float, replicas: int, *, growing: bool) -> int:
        """Replicas that the rates allow, from those at the beginning of each rate's period."""
        if rules.select == "Disabled":
            return replicas
        limits = []
        for rate in rules.rates:
            since_s = now_s - rate.period_s
            base = replicas - _sum(self._added, since_s) + _sum(self._removed, since_s)
            limits.append(_allowed(rate, base, growing=growing))
        return max(limits) if growing == (rules.select == "Max") else min(limits)

    def _since(self, cutoff_s: float) -> Iterable[int]:
        return [value for at_s, value in self._proposals if at_s > cutoff_s + _CLOCK_ERROR_S]

    def _forget(self, now_s: float, window_s: float) -> None:
        while self._proposals and self._proposals[0][0] < now_s - window_s - _CLOCK_ERROR_S:
            self._proposals.popleft()

    def _remember(self, now_s: float, change: int) -> None:
        if self._behavior is None or change == 0:
            return
        rules, changes = (
            (self._behavior.up, self._added) if change > 0 else (self._behavior.down, self._removed)
        )
        changes.append((now_s, abs(change)))
        longest_s = max((rate.period_s for rate in rules.rates), default=0.0)
        while changes[0][0] < now_s - longest_s - _CLOCK_ERROR_S:
            changes.popleft()


def _sum(changes: Iterable[tuple[float, int]], since_s: float) -> int:
    return sum(count for at_s, count in changes if at_s > since_s + _CLOCK_ERROR_S)


def _allowed(rate: Rate, base: int, *, growing: bool) -> int:
    if rate.kind == "Pods":
        return base + rate.value if growing else base - rate.value
    # Rounded up when growing, else a small number would never grow.
    percent = 100
    return (
        math.ceil(base * (percent + rate.value) / percent)
        if growing
        else int(base * (percent - rate.value) / percent)
    )
