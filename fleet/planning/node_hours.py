"""How many nodes of each group stand through a month: at rest, and under the declared load.

An estimate from above: a worker whose pods do not fit beside the warm ones gets nodes of its own,
which stay for the group's idle seconds after every use.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fleet.planning.forecast import Forecast
from infra.models.cluster import NodeGroupSpec
from infra.models.fleet import FleetConfig
from infra.sizing.price import DAYS_PER_MONTH, HOURS_PER_MONTH, pod_usd_per_hour

_HOUR_S = 3600.0


@dataclass(frozen=True)
class Nodes:
    """Nodes of one group, as a mean over the month."""

    at_rest: float
    under_load: float


@dataclass(frozen=True)
class _Use:
    """What one worker takes of its node group, in nodes."""

    warm: float
    busy: float
    """Mean of what the steady load adds."""
    standing: float
    """The same, with the nodes kept while they idle."""
    burst: float
    """Most that one burst adds."""
    burst_node_h: float
    """Node-hours a month of all bursts, idle ones included."""


def nodes_of(fleet: FleetConfig, name: str, forecasts: Sequence[Forecast]) -> Nodes:
    """Nodes of a group under what is predicted for the workers placed on it."""
    group = fleet.node_groups[name]
    uses = [
        _use(fleet, one) for one in forecasts if fleet.workers[one.scenario.name].node_group == name
    ]
    warm = sum(use.warm for use in uses)
    rest = min(group.max_nodes, max(group.nodes, math.ceil(round(warm, 6))))
    free = rest - warm
    added = 0.0
    if sum(use.busy for use in uses) > free:
        added, free = sum(use.standing for use in uses), 0.0
    else:
        free -= sum(use.busy for use in uses)
    added += sum(use.burst_node_h for use in uses if use.burst > free) / HOURS_PER_MONTH
    return Nodes(rest, min(group.max_nodes, rest + added))


def _use(fleet: FleetConfig, one: Forecast) -> _Use:
    plan, worker = one.scenario.plan, fleet.workers[one.scenario.name]
    group = fleet.node_groups[worker.node_group]
    # At one dollar a node-hour, dollars are nodes.
    share = pod_usd_per_hour(worker.resources, group, {group.instance_type or "": 1.0}) or 0.0
    priced = fleet.prices.get(group.instance_type or "") or math.inf
    busy = (one.busy_usd or 0.0) / priced / HOURS_PER_MONTH
    most = min(plan.max_replicas, math.ceil(plan.slots.at_burst / plan.concurrency))
    burst = max(0, most - plan.min_replicas) * share
    per_day = sum(fleet.queues[queue].objective.burst.per_day for queue in worker.queues)
    woken = min(group.max_nodes - group.nodes, math.ceil(burst))
    idle_h = per_day * DAYS_PER_MONTH * woken * (group.launch_s + group.idle_s) / _HOUR_S
    return _Use(
        warm=plan.min_replicas * share,
        busy=busy,
        standing=_standing(one, group, busy),
        burst=burst,
        burst_node_h=(one.burst_usd or 0.0) / priced + idle_h,
    )


def _standing(one: Forecast, group: NodeGroupSpec, busy: float) -> float:
    """Mean nodes of a steady load: a node goes only after a pause longer than it may idle.

    With arrivals at random, some task came within the last `kept_s` for this share of the time.
    """
    plan = one.scenario.plan
    if not busy:
        return 0.0
    kept_s = plan.load.mean_s + plan.cooldown_period_s + group.idle_s + group.launch_s
    return max(busy, 1.0 - math.exp(-plan.load.per_s * kept_s))
