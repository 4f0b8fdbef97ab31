"""Other people's settings on our workers: same maximum, same concurrency, their rules."""

import math
from collections.abc import Callable, Mapping

from fleet.planning.scenario import Scenario
from fleet.simulation import ScalingPolicy
from fleet.simulation.peers import airflow_chart, cpu_hpa, keda_defaults, mitodl_cms, static

Policy = Callable[[Scenario], ScalingPolicy]


def _need(own: Scenario) -> int:
    """Replicas that the declared burst needs at once."""
    wanted = math.ceil(own.plan.slots.at_burst / own.plan.concurrency)
    return max(1, min(wanted, own.plan.max_replicas))


PEERS: Mapping[str, Policy] = {
    "celery-fleet": lambda own: own.policy,
    "KEDA defaults": lambda own: keda_defaults(own.plan.max_replicas, own.plan.concurrency),
    "Airflow chart": lambda own: airflow_chart(own.plan.max_replicas, own.plan.concurrency),
    "mitodl CMS": lambda own: mitodl_cms(own.plan.max_replicas, own.plan.concurrency),
    "CPU HPA 80 %": lambda own: cpu_hpa(own.plan.max_replicas, own.plan.concurrency),
    "static": lambda own: static(_need(own), own.plan.concurrency),
}
