"""Workers of a preview: its base's profile for previews, else as few as can serve its queues."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infra.models.fleet import queue_of
from infra.models.placement import mebibytes, millicores
from infra.models.worker import Compute, WorkerSpec
from rehearsal.errors import RehearsalError

if TYPE_CHECKING:
    from fleet.previews.stack_file import Base

Raw = dict[str, Any]

PROFILE = "preview"
"""Of the base's stack file: its workers are a preview's."""
WORKER = "preview"
_CONCURRENCY = 2


def none_such(base: "Base", why: str) -> RehearsalError:
    """Whatever it is that cannot be served: the base's stack file has a way out."""
    return RehearsalError(
        what=f"stack {base.stack} cannot have such a preview",
        why=why,
        mend=f"state the preview's workers in Pulumi.{base.stack}.yaml: profile `{PROFILE}`, "
        "which may state a beat, too",
    )


def guest_workers(base: "Base", *, training: bool) -> dict[str, Raw]:
    """As a stack file states them, by name; with the base's own on GPUs for training.

    Raises:
        RehearsalError: the base has none that could serve a preview, or two of one name.

    """
    workers = _workers(base)
    if not training:
        return workers
    served = {queue for worker in workers.values() for queue in worker["queues"]}
    on_gpus = {
        name: worker
        for name, worker in _gpu_workers(base).items()
        if not served.issuperset(worker["queues"])
    }
    if twice := workers.keys() & on_gpus.keys():
        told = ", ".join(sorted(twice))
        raise none_such(base, f"{told} is a worker of every preview, and one on GPUs of the base")
    return {**workers, **on_gpus}


def _workers(base: "Base") -> dict[str, Raw]:
    """The profile's, else one for all queues that may share it; all of them from zero."""
    stated = profile(base, PROFILE)
    if not stated:
        return _made(base)
    queues = base.raw["queues"]
    return {
        name: _guest(worker, [queue_of(name, queues)]) for name, worker in stated["workers"].items()
    }


def profile(base: "Base", name: str) -> Raw:
    found: Raw = (base.raw.get("profiles") or {}).get(name) or {}
    return found


def chosen_profile(base: "Base") -> Raw:
    """Of the profile that the base runs on, nothing where it runs on none."""
    chosen = base.config.profile
    return {} if chosen == "full" else profile(base, chosen)


def _made(base: "Base") -> dict[str, Raw]:
    """One worker for every queue that is not on GPUs, and one of its own for each fair one."""
    of_cpus = {n: w for n, w in base.config.workers.items() if not _on_gpus(base, w)}
    if not of_cpus:
        raise none_such(base, "all of its workers are on GPU nodes, which previews have on request")
    queues = base.config.queues
    fair = {n: w for n, w in of_cpus.items() if any(queues[q].fair for q in w.queues)}
    shared = [worker for name, worker in of_cpus.items() if name not in fair]
    own = {name: _alone(base, name, worker) for name, worker in fair.items()}
    if shared and WORKER in own:
        raise none_such(base, f"its worker {WORKER} takes a fair queue; previews call theirs so")
    return own | ({WORKER: _one_worker(base, shared)} if shared else {})


def _alone(base: "Base", name: str, worker: WorkerSpec) -> Raw:
    """The base's own worker, of one pod with few slots."""
    least = {"concurrency": min(_CONCURRENCY, worker.concurrency), "maxReplicaCount": 1}
    return _guest(_stated(base, name), list(worker.queues)) | least


def _stated(base: "Base", name: str) -> Raw:
    """A worker as the base's file states it; nothing of one that goes without saying."""
    stated: Raw = ((chosen_profile(base) or base.raw).get("workers") or {}).get(name) or {}
    return stated


def _guest(worker: Mapping[str, Any], queues: list[str]) -> Raw:
    """A worker that starts from zero, and needs nothing that is the whole cluster's."""
    left_out = ("podDeletionCost", "pollingInterval")
    kept = {key: value for key, value in worker.items() if key not in left_out}
    return {**kept, "queues": worker.get("queues") or queues, "minReplicaCount": 0}


def _one_worker(base: "Base", merged_in: list[WorkerSpec]) -> Raw:
    """With room for the largest task of those that it takes over, and slots that each can bear."""
    queues = [queue for worker in merged_in for queue in worker.queues]
    caps = (base.config.queues[queue].max_concurrency for queue in queues)
    return {
        "queues": queues,
        "nodeName": WORKER,
        "concurrency": min([_CONCURRENCY, *(cap for cap in caps if cap is not None)]),
        "nodeGroup": merged_in[0].node_group,
        "resources": {
            "requests": _largest([worker.resources.requests for worker in merged_in]),
            "limits": _largest([worker.resources.limits for worker in merged_in]),
        },
        "minReplicaCount": 0,
        "maxReplicaCount": 1,
    }


def _largest(asked: list[Compute]) -> Raw:
    cpu = max((each.cpu for each in asked), key=millicores)
    return {"cpu": cpu, "memory": max((each.memory for each in asked), key=mebibytes)}


def _gpu_workers(base: "Base") -> dict[str, Raw]:
    names = [name for name, worker in base.config.workers.items() if _on_gpus(base, worker)]
    if not names:
        raise RehearsalError(
            what="--training needs GPUs",
            why=f"stack {base.stack} has no worker on a node group with GPUs",
            mend="leave --training out, or give the base such a node group and worker",
        )
    return {
        name: _guest(_stated(base, name), list(base.config.workers[name].queues))
        | {"maxReplicaCount": 1}
        for name in names
    }


def _on_gpus(base: "Base", worker: WorkerSpec) -> bool:
    return base.config.node_groups[worker.node_group].gpu > 0
