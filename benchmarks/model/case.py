"""One queue of the benchmark: what it promises, who serves it, what is simulated, what it costs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from fleet.planning.scenario import infrastructure, own_delivery, own_policy
from fleet.simulation import Burst, Delivery, Infrastructure, ScalingPolicy, Workload
from infra.models.broker import BrokerUse
from infra.models.cluster import NodeGroupSpec
from infra.models.queue import QueueSpec
from infra.models.tier import TIERS
from infra.models.worker import WorkerSpec
from infra.sizing import WorkerPlan, plan_worker, visibility_timeout_s

FROZEN = Path(__file__).with_name("scenarios.yaml")
_HOUR_S = 3600.0
# us-east-1, June 2026 (factualminds): 1 vCPU of m7g.large, g5.xlarge, m7g.large.
POD_USD_PER_HOUR = 0.041
GPU_NODE_USD_PER_HOUR = 1.006
CPU_NODE_USD_PER_HOUR = 0.0816


@dataclass(frozen=True)
class Case:
    """A queue with its own worker on a node group."""

    name: str
    queue: QueueSpec
    worker: WorkerSpec
    group: NodeGroupSpec
    hpa_s: int
    hours: float
    bursts: int
    """Declared bursts within the span."""

    @cached_property
    def plan(self) -> WorkerPlan:
        """Our numbers for it."""
        served = [("q", self.queue)]
        return plan_worker("w", self.worker, served, self.group, TIERS["prod"], hpa_s=self.hpa_s)

    @cached_property
    def delivery(self) -> Delivery:
        visible_s = visibility_timeout_s(BrokerUse(), [self.worker_on_q], {"q": self.queue})
        return own_delivery(self.worker, self.plan, BrokerUse(), visible_s)

    @property
    def worker_on_q(self) -> WorkerSpec:
        return self.worker.model_copy(update={"queues": ("q",)})

    @property
    def own_policy(self) -> ScalingPolicy:
        return own_policy(self.plan, self.delivery, self.hpa_s)

    @property
    def infrastructure(self) -> Infrastructure:
        return infrastructure(self.worker, self.group)

    @property
    def wait_s(self) -> float:
        return self.queue.objective.tolerated_wait_s

    @property
    def ample_replicas(self) -> int:
        """As many as could serve the steady load and a whole burst at once, or what is stated."""
        objective = self.queue.objective
        slots = self.plan.slots.steady + objective.burst.tasks
        ample = math.ceil(slots / self.worker.concurrency)
        caps = [ample]
        if self.worker.max_replicas is not None:
            caps.append(self.worker.max_replicas)
        if self.queue.max_concurrency is not None:
            caps.append(max(1, self.queue.max_concurrency // self.worker.concurrency))
        return min(caps)

    @cached_property
    def workload(self) -> Workload:
        """The steady load with the declared bursts, each early in its share of the span."""
        objective, span_s = self.queue.objective, self.hours * _HOUR_S
        share_s = span_s / self.bursts
        return Workload(
            span_s=span_s,
            rate_per_s=objective.per_hour / _HOUR_S,
            bursts=tuple(
                Burst((n + 0.25) * share_s, objective.burst.tasks, objective.burst.within_s)
                for n in range(self.bursts)
            ),
            task_s=objective.typical_s,
            task_cv=objective.spread,
            limit_s=self.queue.time_limit_s,
        )

    def usd(self, pod_s: float, node_s: float) -> float:
        """Cost of pods on nodes shared with others, of whole nodes where they come for it."""
        if self.group.headroom:
            return pod_s / _HOUR_S * POD_USD_PER_HOUR
        hourly = GPU_NODE_USD_PER_HOUR if self.group.gpu else CPU_NODE_USD_PER_HOUR
        return node_s / _HOUR_S * hourly


def case(name: str, stated: Mapping[str, Any], groups: Mapping[str, Any], hpa_s: int) -> Case:
    """Read one queue of a scenarios file.

    Raises:
        pydantic.ValidationError: a number that a stack file would not take either.

    """
    soft, hard = stated["limits"]
    queue = {
        "softTimeLimitSeconds": soft,
        "timeLimitSeconds": hard,
        "maxConcurrency": stated.get("maxConcurrency"),
        "objective": stated["objective"],
    }
    group = stated.get("nodeGroup", "cpu")
    return Case(
        name=name,
        queue=QueueSpec.model_validate(queue),
        worker=WorkerSpec.model_validate(stated["worker"]),
        group=NodeGroupSpec.model_validate(groups[group]),
        hpa_s=hpa_s,
        hours=stated["hours"],
        bursts=stated["bursts"],
    )


def frozen(file: Path = FROZEN) -> list[Case]:
    """The queues that the rules were tuned on."""
    read = yaml.safe_load(file.read_text())
    return [
        case(name, stated, read["nodeGroups"], read["hpaSyncPeriodSeconds"])
        for name, stated in read["queues"].items()
    ]
