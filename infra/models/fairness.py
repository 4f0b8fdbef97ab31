"""What a fair queue asks of its stack: list names of its own, and a worker that takes turns."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.models.fleet import FleetConfig

# As the image checks them (worker_image/tenants.py).
_TENANT = re.compile(r"[A-Za-z0-9_-]{1,64}")


def fairness_problems(fleet: "FleetConfig") -> Iterator[str]:
    """Every disagreement of a fair queue with the rest of the stack."""
    fair = {name for name, queue in fleet.queues.items() if queue.fair}
    yield from _lists(fair, fleet)
    for name, worker in fleet.workers.items():
        for queue in fair.intersection(worker.queues):
            if len(worker.queues) > 1:
                others = ", ".join(repr(other) for other in worker.queues if other != queue)
                yield (
                    f"workers.{name}.queues names the fair queue {queue!r} and {others}: a fair "
                    "queue needs a worker of its own, whose turns are its tenants'"
                )


def _lists(fair: set[str], fleet: "FleetConfig") -> Iterator[str]:
    for name in fleet.queues:
        queue, _, tenant = name.rpartition(".")
        if queue in fair and _TENANT.fullmatch(tenant):
            yield (
                f"queues.{name} has the list of tenant {tenant!r} of queues.{queue}, which is "
                "fair: its messages would be mixed with that tenant's"
            )
