"""One run: a workload, a policy and an infrastructure in, an outcome out."""

import numpy as np
from numpy.typing import NDArray

from fleet.simulation.agenda import Agenda
from fleet.simulation.autoscaler import Autoscaler
from fleet.simulation.infrastructure import Infrastructure
from fleet.simulation.outcome import Outcome
from fleet.simulation.policy import ScalingPolicy
from fleet.simulation.queue_workers import QueueWorkers
from fleet.simulation.replica_set import ReplicaSet
from fleet.simulation.workload import Workload

# Looks for the last task, after the span, this often.
_END_CHECK_S = 1.0
_DAY_S = 86_400.0


def simulate(
    workload: Workload,
    policy: ScalingPolicy,
    infrastructure: Infrastructure,
    seed: int = 0,
    patience_s: float = _DAY_S,
) -> Outcome:
    """Run from a fleet at rest until the span is over and every task is done or lost.

    The arrivals depend on the workload and the seed only, so two policies with one seed see the
    same tasks. A run that is not done `patience_s` after its span ends with tasks unfinished: a
    task longer than the grace period may be killed for ever.
    """
    arrivals = workload.draw(seed)
    draws = np.random.default_rng([seed, len(arrivals.arrival_s)])
    agenda = Agenda()
    workers = QueueWorkers(agenda, policy.delivery, arrivals.duration_s)
    replicas = ReplicaSet(agenda, workers, policy, infrastructure, draws)
    Autoscaler(agenda, policy, workers, replicas, draws)
    deadline_s = workload.span_s + patience_s
    agenda.at(workload.span_s, _stop_when_done, agenda, workers, deadline_s)
    agenda.run(arrivals.arrival_s, workers.publish)
    return Outcome(
        waits_s=_since(arrivals.arrival_s, workers.started_s),
        ends_s=_since((0.0,) * len(workers.ended_s), workers.ended_s),
        executions=workers.executions,
        killed=workers.killed,
        redelivered=workers.redelivered,
        repeated_ends=workers.repeated_ends,
        lost=workers.lost,
        pod_s=replicas.pod_s(),
        node_s=replicas.node_s(),
        pod_starts=replicas.starts,
        timeline=tuple(replicas.timeline),
        end_s=agenda.now_s,
    )


def _stop_when_done(agenda: Agenda, workers: QueueWorkers, deadline_s: float) -> None:
    if workers.quiet or agenda.now_s >= deadline_s:
        agenda.stop()
    else:
        agenda.at(agenda.now_s + _END_CHECK_S, _stop_when_done, agenda, workers, deadline_s)


def _since(from_s: tuple[float, ...], at_s: list[float]) -> NDArray[np.float64]:
    """Seconds between the two, infinite where the second never came."""
    happened = np.asarray(at_s)
    return np.where(happened < 0, np.inf, happened - np.asarray(from_s))
