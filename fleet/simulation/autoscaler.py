"""The loops that look at the queue and set the replicas: the HPA's sync and KEDA's poll."""

import math

import numpy as np

from fleet.simulation.agenda import Agenda
from fleet.simulation.hpa import (
    Hpa,
    average_value_replicas,
    utilization_replicas,
    value_replicas,
)
from fleet.simulation.keda import Keda
from fleet.simulation.policy import CpuMetric, LoadMetric, Metric, QueueMetric, ScalingPolicy
from fleet.simulation.queue_workers import QueueWorkers
from fleet.simulation.replica_set import ReplicaSet

_PERCENT = 100


class Autoscaler:
    """One ScaledObject and its HPA; each loop begins at a random phase, as in a cluster."""

    def __init__(
        self,
        agenda: Agenda,
        policy: ScalingPolicy,
        workers: QueueWorkers,
        replicas: ReplicaSet,
        draws: np.random.Generator,
    ) -> None:
        self._agenda = agenda
        self._policy = policy
        self._workers = workers
        self._replicas = replicas
        self._hpa = Hpa(max(1, policy.min_replicas), policy.max_replicas, policy.behavior)
        self._keda = Keda(policy)
        self._last_sync = (0.0, 0.0)
        sync_s, poll_s = draws.uniform(0.0, (policy.hpa_period_s, policy.polling_interval_s))
        if policy.metric is None:
            return
        agenda.at(float(sync_s), self._sync, policy.metric, float(sync_s), 1)
        if not isinstance(policy.metric, CpuMetric):
            agenda.at(float(poll_s), self._poll, policy.metric, float(poll_s), 1)

    def _sync(self, metric: Metric, first_s: float, number: int) -> None:
        """One sync of the HPA."""
        now = self._replicas.replicas
        if now:
            decided = self._hpa.decide(self._agenda.now_s, now, self._proposal(metric, now))
        else:
            decided = self._hpa.decide(self._agenda.now_s, 0, 0)
        self._replicas.scale(decided)
        next_s = first_s + number * self._policy.hpa_period_s
        self._agenda.at(next_s, self._sync, metric, first_s, number + 1)

    def _poll(self, metric: Metric, first_s: float, number: int) -> None:
        """One poll of KEDA."""
        now_s = self._agenda.now_s
        active = self._active(metric)
        self._replicas.scale(self._keda.decide(now_s, self._replicas.replicas, active=active))
        next_s = first_s + number * self._policy.polling_interval_s
        self._agenda.at(next_s, self._poll, metric, first_s, number + 1)

    def _active(self, metric: Metric) -> bool:
        if isinstance(metric, QueueMetric):
            return metric.value(len(self._workers.pending), self._workers.in_flight) > 0
        # Klippa's scaler is active at a load of 0 or more, that is always.
        return True

    def _proposal(self, metric: Metric, replicas: int) -> int:
        ready, tolerance = self._replicas.ready, self._policy.tolerance
        if isinstance(metric, QueueMetric):
            value = metric.value(len(self._workers.pending), self._workers.in_flight)
            return average_value_replicas(value, metric.per_replica, replicas, tolerance)
        if isinstance(metric, LoadMetric):
            return value_replicas(
                self._load_percent(), metric.target_percent, replicas, ready, tolerance
            )
        ratio = self._cpu_percent() / metric.target_percent
        return utilization_replicas(ratio, replicas, ready, tolerance)

    def _load_percent(self) -> float:
        slots = self._replicas.ready * self._policy.delivery.concurrency
        tasks = self._workers.busy_slots + len(self._workers.pending)
        return float(math.floor(tasks / max(1, slots) * _PERCENT))

    def _cpu_percent(self) -> float:
        """Mean use since the last sync, of the slots that are ready now."""
        then_s, then_busy = self._last_sync
        now_s, busy = self._agenda.now_s, self._workers.busy_slot_s()
        self._last_sync = (now_s, busy)
        slot_s = (now_s - then_s) * self._replicas.ready * self._policy.delivery.concurrency
        return (busy - then_busy) / slot_s * _PERCENT if slot_s > 0 else 0.0
