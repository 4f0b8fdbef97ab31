"""What a worker tells Prometheus of its tasks: waits, run times, outcomes.

Each pod tells of its own tasks since it started; sums over pods are Prometheus' own.
"""

from collections import OrderedDict

from prometheus_client import CollectorRegistry, Counter, Histogram

from worker_image.stats import TaskEnd

_OUTCOMES = {"REJECTED": "parked"}
_FAILURES_KNOWN = 1000


def _buckets(first_s: float, last_s: float, per_decade: int) -> tuple[float, ...]:
    """Bounds in equal ratios, to three digits."""
    bounds, step = [first_s], 0
    while bounds[-1] < last_s:
        step += 1
        bounds.append(float(f"{first_s * 10 ** (step / per_decade):.3g}"))
    return tuple(bounds)


# A ratio of 1.12: a quantile read from them is off by 5 % at most, in 300 draws each of uniform and
# exponential waits; a ratio of 1.26 was off by up to 11 %.
WAIT_BUCKETS_S = _buckets(0.01, 10_000, per_decade=20)
RUN_BUCKETS_S = _buckets(0.01, 100_000, per_decade=3)


class TaskMetrics:
    """The families of one worker, and what is counted in them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._failed: OrderedDict[str, None] = OrderedDict()
        self._wait = Histogram(
            "fleet_task_wait_seconds",
            "From publishing, or from the ETA, to the start; of first deliveries.",
            ("queue",),
            buckets=WAIT_BUCKETS_S,
            registry=self.registry,
        )
        self._run = Histogram(
            "fleet_task_run_seconds",
            "From the start of a task to its end, whatever the outcome.",
            ("queue", "task"),
            buckets=RUN_BUCKETS_S,
            registry=self.registry,
        )
        self._ends = self._counter("fleet_tasks", "Runs that ended.", "queue", "task", "outcome")
        self._redelivered = self._counter(
            "fleet_redeliveries", "Runs of messages that were delivered before.", "queue"
        )
        self._parked = self._counter(
            "fleet_dead_letters", "Messages that were parked as dead letters.", "queue"
        )

    def ended(self, end: TaskEnd) -> None:
        """Count a run; a failure that two processes report counts once."""
        if end.state == "FAILURE" and self._known(end.task_id):
            return
        outcome = _OUTCOMES.get(end.state, end.state.lower())
        self._ends.labels(end.queue, end.task, outcome).inc()
        if end.redelivered:
            self._redelivered.labels(end.queue).inc()
        if end.wait_s is not None:
            self._wait.labels(end.queue).observe(end.wait_s)
        if end.run_s is not None:
            self._run.labels(end.queue, end.task).observe(end.run_s)

    def parked(self, queue: str) -> None:
        """Count a message that became a dead letter."""
        self._parked.labels(queue).inc()

    def _known(self, task_id: str) -> bool:
        if task_id in self._failed:
            return True
        self._failed[task_id] = None
        if len(self._failed) > _FAILURES_KNOWN:
            self._failed.popitem(last=False)
        return False

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, registry=self.registry)
