"""What a stack's dashboards ask Prometheus, by queue and by worker."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from infra.alerts.rule import Series, any_of, counted, equal, or_zero
from infra.models.fleet import FleetConfig
from infra.names import worker_object
from infra.sizing.price import pod_usd_per_hour


@dataclass(frozen=True)
class Figures:
    """Expressions of PromQL about one stack."""

    config: FleetConfig
    stack: str
    """Its name; alerts carry it as a label."""

    @property
    def series(self) -> Series:
        """The stack's own series, as its alerts select them."""
        return Series(self.config.namespace)

    @cached_property
    def worker_of(self) -> dict[str, str]:
        """Worker by queue; each queue has one."""
        workers = self.config.workers.items()
        return {queue: name for name, worker in workers for queue in worker.queues}

    def pending(self, queue: str) -> str:
        return self._of_queue("fleet_queue_pending", queue)

    def oldest_s(self, queue: str) -> str:
        return self._of_queue("fleet_queue_oldest_age_seconds", queue)

    def dead_letters(self, queue: str) -> str:
        return self._of_queue("fleet_queue_dead_letters", queue)

    def in_flight(self, worker: str) -> str:
        """Messages that a worker's pods hold."""
        return f"max({self.series.of('fleet_queue_in_flight', equal('worker', worker))})"

    def pods(self, metric: str, worker: str) -> str:
        """A figure that kube-state-metrics tells of the worker's Deployment."""
        label = equal("deployment", worker_object(worker))
        return f"max({self.series.of(f'kube_deployment_{metric}', label)})"

    def scaler(self, metric: str, worker: str) -> str:
        """A figure that kube-state-metrics tells of the autoscaler that KEDA makes."""
        label = equal("horizontalpodautoscaler", f"keda-hpa-{worker_object(worker)}")
        return f"max({self.series.of(f'kube_horizontalpodautoscaler_{metric}', label)})"

    def quantile_s(self, metric: str, queue: str, quantile: float, window: str) -> str:
        """A quantile of a histogram's observations within a window."""
        bucket = self.series.of(f"{metric}_bucket", equal("queue", queue))
        return f"histogram_quantile({quantile:g}, {counted(bucket, window, 'le')})"

    def ended(self, queue: str, window: str, *by: str, outcome: str = "") -> str:
        """Runs that ended within a window; of one outcome, if stated."""
        asked = [equal("outcome", outcome)] if outcome else []
        series = self.series.of("fleet_tasks_total", equal("queue", queue), *asked)
        return counted(series, window, *by)

    def by_queue(self, of: Callable[[str], str]) -> str:
        """One expression of every queue, with the labels `queue` and `worker`."""
        arms = (
            labelled(of(queue), queue=queue, worker=worker)
            for queue, worker in self.worker_of.items()
            if of(queue)
        )
        return " or ".join(arms)

    def pod_usd(self, worker: str) -> float | None:
        """US dollars an hour of one pod, as `fleet plan` counts it; None without a price."""
        spec = self.config.workers[worker]
        group = self.config.node_groups[spec.node_group]
        return pod_usd_per_hour(spec.resources, group, self.config.prices)

    def worker_usd(self, worker: str) -> str:
        """US dollars an hour of the pods that are there; empty without a price."""
        usd = self.pod_usd(worker)
        return "" if usd is None else f"{self.pods('status_replicas', worker)} * {usd:.6g}"

    def queue_usd(self, queue: str) -> str:
        """A queue's part of what its worker costs: as the run time of its tasks in the last hour.

        Where nothing ran, queues of one worker share alike.
        """
        worker = self.worker_of[queue]
        whole, queues = self.worker_usd(worker), self.config.workers[worker].queues
        if not whole or len(queues) == 1:
            return whole
        ran = "fleet_task_run_seconds_sum"
        own = or_zero(counted(self.series.of(ran, equal("queue", queue)), "1h"))
        every = counted(self.series.of(ran, any_of("queue", queues)), "1h")
        return f"{whole} * (({own} / ({every} > 0)) or vector({1 / len(queues):.4g}))"

    @property
    def priced(self) -> bool:
        """Whether the stack file has a price for any worker."""
        return any(self.pod_usd(worker) is not None for worker in self.config.workers)

    def _of_queue(self, metric: str, queue: str) -> str:
        return f"max({self.series.of(metric, equal('queue', queue))})"


def labelled(expression: str, **labels: str) -> str:
    """An expression's values with these labels beside their own."""
    for name, value in labels.items():
        expression = f'label_replace({expression}, "{name}", "{value}", "", "")'
    return expression
