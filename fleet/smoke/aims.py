"""What a smoke test looks at: the queues that are meant, and how long a probe may wait in each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.api_client import QueueStatistics
from fleet.fleet_state import FleetState, WorkerState
from infra.models.agreement import plan
from infra.models.fleet import FleetConfig
from rehearsal.errors import RehearsalError

TENANT = "smoke"
"""Whose a probe of a fair queue is; its list goes as every idle tenant's does."""


@dataclass(frozen=True)
class Aim:
    """One queue that is to be probed."""

    queue: str
    worker: str
    promised_s: float
    """What the queue's objective tolerates."""
    cold_s: float = 0.0
    """A start from zero, where the worker has no pod and need not have one."""
    tenant: str | None = None
    blocked: str | None = None
    """Why nothing is sent: no worker would take it."""
    notes: tuple[str, ...] = ()
    """What else holds a probe up, or says that its pass proves less."""

    @property
    def tolerated_s(self) -> float:
        return self.promised_s + self.cold_s


def chosen(
    config: FleetConfig, wanted: Sequence[str], *, skip_gpu: bool, stack_file: Path
) -> list[str]:
    """Return the queues that are meant, in the stack file's order.

    Args:
        config: the stack's.
        wanted: queues by name; none means all.
        skip_gpu: leave out those whose workers need a GPU, on nodes that may have to come first.
        stack_file: named in errors.

    Raises:
        RehearsalError: a name is no queue's, or nothing is left.

    """
    if unknown := [name for name in wanted if name not in config.queues]:
        raise RehearsalError(
            what=f"there is no queue {unknown[0]!r}",
            why=f"the stack has: {', '.join(config.queues)}",
            mend="name one of them",
            where=stack_file,
        )
    queues = [name for name in config.queues if not wanted or name in wanted]
    left = [name for name in queues if not (skip_gpu and needs_gpu(config, name))]
    if not left:
        raise RehearsalError(
            what="no queue is left to look at",
            why=f"--skip-gpu leaves out {', '.join(queues)}",
            mend="leave --skip-gpu away, or name a queue without a GPU",
            where=stack_file,
        )
    return left


def needs_gpu(config: FleetConfig, queue: str) -> bool:
    """Whether the worker of a queue runs on a GPU."""
    worker = config.workers[_servant(config, queue)]
    return bool(worker.resources.gpu or config.node_groups[worker.node_group].gpu)


def aims(
    config: FleetConfig,
    queues: Sequence[str],
    state: FleetState,
    statistics: Mapping[str, QueueStatistics],
) -> list[Aim]:
    """Put what the stack file promises beside what the cluster has at this moment."""
    found = {queue: each for each in state.workers for queue in each.queues}
    return [_aim(config, queue, found.get(queue), statistics.get(queue)) for queue in queues]


def _aim(
    config: FleetConfig, queue: str, found: WorkerState | None, counts: QueueStatistics | None
) -> Aim:
    name, spec = _servant(config, queue), config.queues[queue]
    promised_s = spec.objective.tolerated_wait_s
    if found is None or counts is None:
        told = "the stack file names it, the cluster does not (yet): pulumi up"
        return Aim(queue, name, promised_s, blocked=told)
    absent = found.replicas.ready == 0
    cold = absent and found.min_replicas == 0
    return Aim(
        queue=queue,
        worker=name,
        promised_s=promised_s,
        cold_s=plan(config, name).reaction.from_zero_s if cold else 0.0,
        tenant=TENANT if spec.fair else None,
        blocked=_blocked(found) if absent else None,
        notes=tuple(_notes(found, counts)),
    )


def _blocked(found: WorkerState) -> str | None:
    if found.paused:
        return f"worker {found.name} has no pod, and its scaler is paused: none will come"
    if found.max_replicas == 0:
        return f"worker {found.name} has no pod, and its scaler's maxReplicaCount is 0"
    return None


def _notes(found: WorkerState, counts: QueueStatistics) -> Iterator[str]:
    if found.paused:
        yield f"the scaler of worker {found.name} is paused: its pods stay as many as they are"
    elif found.scaler_problem is not None:
        yield f"the scaler of worker {found.name} is not ready: {found.scaler_problem}"
    if counts.pending:
        yield f"messages that waited before the probe: {counts.pending}"


def _servant(config: FleetConfig, queue: str) -> str:
    return next(name for name, worker in config.workers.items() if queue in worker.queues)
