"""A page for whoever is on call: a stack's queues and workers, out of the file that made them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fleet.files import write_atomically
from infra import names
from infra.manifests.deployment import NODE_GROUP_LABEL
from infra.manifests.labels import WORKER_LABEL
from infra.models.agreement import plan, visibility_s
from infra.models.cluster import ExistingCluster
from infra.models.fleet import FleetConfig
from infra.models.queue import QueueSpec
from infra.sizing import WorkerPlan

_QUEUE_HEADINGS = (
    "Queue",
    "Worker",
    "Tasks",
    "Limits (soft, hard)",
    "May wait",
    "Load",
    "Order and pace",
    "Alert",
)
_WORKER_HEADINGS = ("Worker", "Queues", "Pods", "Tasks a pod", "Node group", "Grace")


def save(fleet: FleetConfig, stack: str, source: str, file: Path) -> None:
    """Write the page of a stack.

    Args:
        fleet: what the stack file states.
        stack: its name.
        source: name of the stack file, where changes are made.
        file: what to write.

    """
    write_atomically(file, text(fleet, stack, source))


def text(fleet: FleetConfig, stack: str, source: str) -> str:
    """The page in Markdown, the same text for the same file."""
    plans = {name: plan(fleet, name) for name in fleet.workers}
    blocks = [
        f"# Queues and workers of stack {stack}",
        *_introduction(fleet, source),
        "## Queues",
        _table(_QUEUE_HEADINGS, _queue_rows(fleet)),
        "## Workers",
        _table(_WORKER_HEADINGS, _worker_rows(fleet, plans.values())),
    ]
    for derived in plans.values():
        blocks += _worker_blocks(fleet, derived)
    return "\n\n".join(blocks) + "\n"


def _introduction(fleet: FleetConfig, source: str) -> Iterator[str]:
    visible_s = visibility_s(fleet)
    yield f"Made by `fleet plan --markdown`: change `{source}` and make it again, not this page."
    yield (
        f"Namespace `{fleet.namespace}` of cluster `{_context(fleet)}`, tier {fleet.tier}, "
        f"profile {fleet.profile}. Times are in seconds. A task whose pod was killed runs again "
        f"after {visible_s}. Beat's own jobs go to queue `{fleet.beat.maintenance_queue}`."
    )


def _queue_rows(fleet: FleetConfig) -> Iterator[Sequence[str]]:
    worker_of = {queue: name for name, w in fleet.workers.items() for queue in w.queues}
    for name, queue in fleet.queues.items():
        promise, alert = queue.objective, queue.alert
        load = f"{promise.per_hour:g} an hour of {promise.typical_s:g}"
        yield (
            f"`{name}`",
            f"`{worker_of[name]}`",
            ", ".join(f"`{route}`" for route in queue.routes) or "those sent to it by name",
            f"{queue.soft_time_limit_s}, {queue.time_limit_s}",
            f"{promise.tolerated_wait_s:g} for {promise.quantile:.0%}",
            f"{load}; bursts of {promise.burst.tasks} within {promise.burst.within_s:g}",
            "; ".join(_pace(queue)) or "as sent",
            f"more than {alert.pending} for {alert.for_minutes} min",
        )


def _pace(queue: QueueSpec) -> Iterator[str]:
    if queue.priorities:
        yield f"priorities 0 (low) to 10 (high), {queue.priority} unless asked"
    if queue.fair:
        yield "tenants in turn"
    for task, rate in queue.rate_limits.items():
        yield f"`{task}` at most {rate} in each process"
    if queue.max_concurrency is not None:
        yield f"at most {queue.max_concurrency} at once"


def _worker_rows(fleet: FleetConfig, plans: Iterable[WorkerPlan]) -> Iterator[Sequence[str]]:
    for derived in plans:
        worker = fleet.workers[derived.name]
        gpu = f", {worker.resources.gpu} GPU a pod" if worker.resources.gpu else ""
        yield (
            f"`{derived.name}`",
            ", ".join(f"`{queue}`" for queue in worker.queues),
            f"{derived.min_replicas} to {derived.max_replicas}",
            f"{worker.concurrency}, {worker.pool}",
            f"`{worker.node_group}`{gpu}",
            str(derived.grace_s),
        )


def _worker_blocks(fleet: FleetConfig, derived: WorkerPlan) -> Iterator[str]:
    """What one looks up at night: why so many pods, what counts, how to look and to hold."""
    worker, name = fleet.workers[derived.name], derived.name
    prefix = fleet.broker.key_prefix
    *pending, in_flight = [f"`{prefix}{trigger.key}`" for trigger in derived.triggers]
    keys = f"Messages wait in {', '.join(pending)} and are held in {in_flight}"
    nodes = f"Celery calls its nodes `{names.node_name(name, worker.node_name)}@<pod>`"
    facts = (
        f"{derived.min_replicas} pods at least: {derived.reasons['minReplicaCount']}.",
        f"{derived.max_replicas} at most: {derived.reasons['maxReplicaCount']}.",
        f"{keys} (Redis, database 0).",
        f"Pods wanted: ceil(({derived.formula}) / {derived.concurrency}).",
        f"{nodes}; they run where `{NODE_GROUP_LABEL}={worker.node_group}`.",
    )
    yield f"### Worker `{name}`"
    yield "\n".join(f"- {fact}" for fact in facts)
    yield "\n".join(("```console", *_commands(fleet, name), "```"))


def _context(fleet: FleetConfig) -> str:
    """Of kubectl; one for EKS is named as its cluster (`aws eks update-kubeconfig --alias`)."""
    if isinstance(fleet.cluster, ExistingCluster):
        return fleet.cluster.context
    return fleet.cluster.name or fleet.namespace


def _commands(fleet: FleetConfig, worker: str) -> Iterator[str]:
    kubectl = f"$ kubectl --context {_context(fleet)} -n {fleet.namespace}"
    chosen = f"{WORKER_LABEL}={worker}"
    scaler = names.worker_object(worker)
    yield f"{kubectl} get deployment,scaledobject,hpa,poddisruptionbudget,pod -l {chosen}"
    yield f"{kubectl} logs -l {chosen} --prefix --tail=100"
    yield f"{kubectl} annotate scaledobject {scaler} autoscaling.keda.sh/paused=true  # hold"
    yield f"{kubectl} annotate scaledobject {scaler} autoscaling.keda.sh/paused-  # go on"


def _table(headings: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
