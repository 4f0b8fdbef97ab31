"""Waits and cost of a worker as it is deployed, and as it will be, under the same load.

The load is what the stack file declares now: what a change does is not mixed with what is newly
known of the load. The deployed settings are the cluster's, not those that an older file led to.
"""

import re
from dataclasses import dataclass, replace

from fleet.difference.workers import Settings
from fleet.planning.forecast import Forecast, forecast
from fleet.planning.scenario import Scenario
from fleet.simulation import QueueMetric, ScalingPolicy
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig

# As infra/sizing/triggers.py writes them.
_WEIGHT = re.compile(r"max\(in_flight, ([\d.e+-]+) \*")
_KEPT_FREE = re.compile(r"\+ (\d+)$")


@dataclass(frozen=True)
class Figures:
    """What the simulator predicts of one worker."""

    steady_p95_s: float
    """From publish to start, in the steady load."""
    burst_p95_s: float
    """The same in the declared burst."""
    usd: float | None
    """A month, of its pods' share of their nodes; None without a price."""


def planned(config: FleetConfig, worker: str) -> Figures:
    """Return the figures of a worker as the stack file has it."""
    return _figures(forecast(config, worker))


def deployed(config: FleetConfig, worker: str, old: Settings) -> Figures | None:
    """Return the figures of a worker as it runs, under the load that the file declares.

    None where that cannot be simulated: the formula is not one of ours, or its nodes are not in
    the file any more.
    """
    derived = plan(config, worker)
    formula = old.formula or derived.formula
    if "in_flight" not in formula or (old.node_group or "") not in {"", *config.node_groups}:
        return None
    # What no step tells is as the file has it: it does not change.
    told = {
        "min_replicas": (old.min_replicas, derived.min_replicas),
        "max_replicas": (old.max_replicas, derived.max_replicas),
        "polling_interval_s": (old.polling_interval_s, derived.polling_interval_s),
        "cooldown_period_s": (old.cooldown_s, derived.cooldown_period_s),
        "concurrency": (old.concurrency, derived.concurrency),
        "grace_s": (old.grace_s, derived.grace_s),
        "resources": (old.resources, config.workers[worker].resources),
        "node_group": (old.node_group, config.workers[worker].node_group),
    }
    before = config.workers[worker].model_copy(
        update={key: own if was is None else was for key, (was, own) in told.items()}
    )
    fleet = config.model_copy(update={"workers": {**config.workers, worker: before}})
    return _figures(forecast(fleet, worker, lambda own: _policy(own, formula)))


def _policy(own: Scenario, formula: str) -> ScalingPolicy:
    """The worker's own policy with the weights of the formula that is deployed."""
    metric = own.policy.metric
    if not isinstance(metric, QueueMetric):
        return own.policy
    weight, free = _WEIGHT.search(formula), _KEPT_FREE.search(formula)
    counted = replace(
        metric,
        pending_weight=float(weight[1]) if weight else 1.0,
        spare=int(free[1]) if free else 0,
    )
    return replace(own.policy, metric=counted)


def _figures(found: Forecast) -> Figures:
    return Figures(found.normal.p95_s, found.burst.p95_s, found.total_usd)
