"""What is put on the stage: one queue, its worker, and when its tasks come."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from benchmarks.live.pace import HPA_PERIOD_S, Pace
from fleet.simulation import Burst, Workload
from infra.models.agreement import plan
from infra.models.base import Spec
from infra.models.fleet import FleetConfig
from infra.models.queue import QueueSpec
from infra.models.worker import WorkerSpec
from infra.sizing import WorkerPlan
from rehearsal.control_plane.platform_objects import PLATFORM_NAMESPACE

FILE = Path(__file__).with_name("scenarios.yaml")
WORKER = "work"
"""Name of the one worker and of its queue."""
IMAGE = "celery-fleet/worker"
# Else one draw of a long tail would decide how long a whole run takes.
_LONGEST_SHARE = 2.0


class Wave(Spec):
    """Tasks that come together."""

    at_s: NonNegativeFloat = Field(alias="atSeconds")
    tasks: PositiveInt
    within_s: PositiveFloat = Field(alias="withinSeconds")


class Scenario(Spec):
    """One queue under load, in seconds of a real cluster."""

    name: str
    what: str
    stage_hpa_s: PositiveInt = Field(alias="stageHpaSeconds")
    queue: QueueSpec
    worker: WorkerSpec
    start_delay_s: NonNegativeFloat = Field(default=0.0, alias="startDelaySeconds")
    """What a pod waits for before its worker begins: a node, an image, a model."""
    waves: Annotated[tuple[Wave, ...], Field(min_length=1)]
    horizon_s: PositiveFloat = Field(alias="horizonSeconds")
    """A run lasts so long at least; it ends later where tasks are still to end."""
    patience_s: PositiveFloat = Field(alias="patienceSeconds")
    """A run ends here in any case."""

    @property
    def pace(self) -> Pace:
        return Pace(self.stage_hpa_s)

    @property
    def tolerated_s(self) -> float:
        """Tolerated wait, in seconds of the stage."""
        return self.pace.seconds(self.queue.objective.tolerated_wait_s)

    def config(self, namespace: str, key_prefix: str) -> FleetConfig:
        """The whole stack of this one worker, as production would state it."""
        queue = self.queue.model_copy(update={"routes": ("worker_image.*",)})
        return FleetConfig.model_validate(
            {
                "tier": "prod",
                "namespace": namespace,
                "image": f"{IMAGE}:live",
                "cluster": {
                    "kind": "existing",
                    "context": "rehearsal",
                    "storageClass": "rehearsal",
                    "hpaSyncPeriodSeconds": HPA_PERIOD_S,
                },
                "broker": {
                    "kind": "existing",
                    "connectionSecret": {"namespace": PLATFORM_NAMESPACE, "name": "broker"},
                    "keyPrefix": key_prefix,
                },
                "nodeGroups": {"cpu": {"cpu": 32, "memoryMiB": 65536}},
                "queues": {WORKER: queue.model_dump(by_alias=True)},
                "workers": {WORKER: self.worker.model_dump(by_alias=True, exclude_none=True)},
                "beat": {"maintenanceQueue": WORKER},
            }
        )

    @property
    def plan(self) -> WorkerPlan:
        """Our numbers, in seconds of a real cluster."""
        return plan(self.config("live", ""), WORKER)


@dataclass(frozen=True)
class Arrival:
    """One task of a trace, in seconds of the stage."""

    at_s: float
    seconds: float


def scenarios() -> dict[str, Scenario]:
    """Every scenario of the file by name."""
    stated: Mapping[str, Mapping[str, object]] = yaml.safe_load(FILE.read_text())
    return {name: Scenario.model_validate({"name": name, **one}) for name, one in stated.items()}


def trace(scenario: Scenario, block: int) -> tuple[Arrival, ...]:
    """The arrivals of one block; every policy of the block gets the same."""
    objective, pace = scenario.queue.objective, scenario.pace
    bursts = tuple(Burst(wave.at_s, wave.tasks, wave.within_s) for wave in scenario.waves)
    drawn = Workload(
        span_s=scenario.horizon_s,
        bursts=bursts,
        task_s=objective.typical_s,
        task_cv=objective.spread,
    ).draw(block)
    longest_s = _LONGEST_SHARE * objective.typical_s
    first_s = drawn.arrival_s[0]
    return tuple(
        Arrival(pace.seconds(at_s - first_s), pace.seconds(min(task_s, longest_s)))
        for at_s, task_s in zip(drawn.arrival_s, drawn.duration_s, strict=True)
    )
