"""What a worker's users will see and its owner will pay, by seeded simulation."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fleet.planning.scenario import Scenario, scenario
from fleet.simulation import Outcome, ScalingPolicy, Workload, simulate
from infra.models.fleet import FleetConfig
from infra.sizing.price import DAYS_PER_MONTH, HOURS_PER_MONTH, pod_usd_per_hour

_HOUR_S = 3600.0
SEEDS = 5


@dataclass(frozen=True)
class Waits:
    """Seconds from publish to start, over all seeds."""

    p50_s: float
    p95_s: float
    p99_s: float
    in_time: float
    """Share that started within the tolerated wait."""


@dataclass(frozen=True)
class Forecast:
    """One policy on one worker."""

    scenario: Scenario
    policy: str
    normal: Waits
    burst: Waits
    killed: int
    """Running tasks that were cut off, over all seeds."""
    warm_usd: float | None
    """A month of the replicas that never go; None without prices."""
    busy_usd: float | None
    """A month of what the steady load adds to that."""
    burst_usd: float | None
    """A month of what the declared bursts add."""

    @property
    def total_usd(self) -> float | None:
        parts = (self.warm_usd, self.busy_usd, self.burst_usd)
        return None if None in parts else sum(part or 0.0 for part in parts)

    @property
    def keeps_promise(self) -> bool:
        """Whether both loads start their tasks in time, as often as promised."""
        return min(self.normal.in_time, self.burst.in_time) >= self.scenario.plan.load.quantile


def forecast(
    fleet: FleetConfig,
    name: str,
    policy: Callable[[Scenario], ScalingPolicy] = lambda own: own.policy,
    seeds: int = SEEDS,
) -> Forecast:
    """Simulate one worker of a stack, under its own policy or another's."""
    own = scenario(fleet, name)
    tried = replace(own, policy=policy(own))
    worker = fleet.workers[name]
    group = fleet.node_groups[worker.node_group]
    hourly = pod_usd_per_hour(worker.resources, group, fleet.prices)
    normal = _runs(tried, tried.normal, seeds)
    burst = _runs(tried, tried.burst, seeds)
    floor = tried.policy.rest_replicas
    busy_pods = _extra_pod_hours(normal, floor) / _hours(normal)
    # A burst's own part: what its run costs beyond the floor and the steady load.
    burst_hours = _extra_pod_hours(burst, floor) - busy_pods * _hours(burst)
    per_day = sum(fleet.queues[queue].objective.burst.per_day for queue in worker.queues)
    return Forecast(
        scenario=own,
        policy=tried.policy.name,
        normal=_waits(normal, own),
        burst=_waits(burst, own),
        killed=sum(run.killed for run in (*normal, *burst)),
        warm_usd=_usd(hourly, floor * HOURS_PER_MONTH),
        busy_usd=_usd(hourly, busy_pods * HOURS_PER_MONTH),
        burst_usd=_usd(hourly, max(0.0, burst_hours) * per_day * DAYS_PER_MONTH),
    )


def _runs(tried: Scenario, load: Workload, seeds: int) -> list[Outcome]:
    return [simulate(load, tried.policy, tried.infrastructure, seed) for seed in range(seeds)]


def _waits(runs: list[Outcome], own: Scenario) -> Waits:
    waits = np.concatenate([run.waits_s for run in runs])
    if not waits.size:
        return Waits(0.0, 0.0, 0.0, 1.0)
    p50, p95, p99 = np.quantile(waits, [0.5, 0.95, 0.99], method="higher")
    return Waits(float(p50), float(p95), float(p99), float(np.mean(waits <= own.plan.load.wait_s)))


def _extra_pod_hours(runs: list[Outcome], floor: int) -> float:
    """Mean pod-hours of a run beyond the replicas that are always there."""
    hours = [(run.pod_s - floor * run.end_s) / _HOUR_S for run in runs]
    return max(0.0, float(np.mean(hours)))


def _hours(runs: list[Outcome]) -> float:
    return float(np.mean([run.end_s for run in runs])) / _HOUR_S


def _usd(hourly: float | None, hours: float) -> float | None:
    return None if hourly is None else hourly * hours
