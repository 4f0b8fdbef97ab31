"""When a worker may hold messages beyond the tasks it runs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.models.fleet import FleetConfig

# With longer tasks a held message waits longer than the broker takes to hand it out.
TASK_MAX_S = 0.05


def prefetch_problems(name: str, fleet: "FleetConfig") -> Iterator[str]:
    """Queues of a worker whose messages must not wait in a pod while another has a free slot."""
    worker = fleet.workers[name]
    if not worker.takes_ahead:
        return
    told = f"workers.{name}.prefetchMultiplier is {worker.prefetch_multiplier}, but"
    for queue in worker.queues:
        spec = fleet.queues[queue]
        if spec.fair:
            yield f"{told} queues.{queue} is fair: messages held in a pod have no turns"
        elif spec.objective.typical_s > TASK_MAX_S:
            yield (
                f"{told} queues.{queue}.objective.typicalSeconds is {spec.objective.typical_s:g}, "
                f"above {TASK_MAX_S:g}: held messages would wait behind long tasks while another "
                "pod is free; leave it out"
            )
