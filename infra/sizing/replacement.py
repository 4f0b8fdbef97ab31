"""How many tasks a pool process runs before another takes its place. Pure."""

from collections.abc import Sequence

from infra.models.queue import QueueSpec
from infra.models.worker import WorkerSpec
from infra.sizing.load import combined

# What one slot works between two replacements, each of which stops it for a moment.
_WORK_S = 600
_FEWEST = 100
# With more of them, what a task leaks has time to matter: 100 MiB from 1 KiB each.
_MOST = 100_000


def tasks_per_child(worker: WorkerSpec, queues: Sequence[QueueSpec]) -> int | None:
    """Tasks after which a process of pool prefork is replaced; None in pools without processes.

    What the worker states, else what its queues' tasks, mixed as often as each kind arrives, do in
    ten minutes, from 100 to 100 000 of them. So a replacement costs a slot the same share of its
    time, whether its tasks take milliseconds or minutes.
    """
    if worker.pool != "prefork":
        return None
    if worker.max_tasks_per_child is not None:
        return worker.max_tasks_per_child
    mean_s = combined([queue.objective for queue in queues]).mean_s
    return min(max(_FEWEST, round(_WORK_S / mean_s)), _MOST)
