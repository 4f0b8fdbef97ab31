"""Whether a worker's pod can be placed on a node of its group."""

from collections.abc import Iterator, Mapping

from infra.models.cluster import NodeGroupSpec
from infra.models.worker import Compute, WorkerSpec

_MIB = {"Mi": 1, "Gi": 1024}


def millicores(quantity: str) -> int:
    """`500m` -> 500, `2` -> 2000."""
    if quantity.endswith("m"):
        return round(float(quantity[:-1]))
    return round(float(quantity) * 1000)


def mebibytes(quantity: str) -> int:
    """`512Mi` -> 512, `8Gi` -> 8192."""
    return int(quantity[:-2]) * _MIB[quantity[-2:]]


def group_problems(groups: Mapping[str, NodeGroupSpec]) -> Iterator[str]:
    """GPU nodes that anything may be placed on; a GPU worker tolerates its group's own taints."""
    for name, group in groups.items():
        keeps_off = any(taint.effect != "PreferNoSchedule" for taint in group.taints)
        if group.gpu and not keeps_off:
            yield (
                f"nodeGroups.{name} has {group.gpu} GPUs a node, but taints that keep no pod off: "
                "API, beat and others' pods would be placed there and keep it up; state "
                "taints: [{key: nvidia.com/gpu, value: present}]"
            )


def placement_problems(name: str, worker: WorkerSpec, group: NodeGroupSpec) -> Iterator[str]:
    """Asks that no node of the worker's group could ever meet, and limits below requests."""
    asked = worker.resources
    where = f"a node of group {worker.node_group!r}"
    if asked.gpu > group.gpu:
        yield (
            f"workers.{name}.resources.gpu is {asked.gpu}, but {where} has {group.gpu}: "
            "its pods could never be placed"
        )
    if group.gpu and not asked.gpu:
        yield (
            f"workers.{name}.nodeGroup is {worker.node_group!r}, whose nodes have GPUs, but it "
            "asks for none: it would keep a GPU node for CPU work"
        )
    if millicores(asked.requests.cpu) > group.cpu * 1000:
        yield (
            f"workers.{name}.resources.requests.cpu is {asked.requests.cpu}, but {where} has "
            f"{group.cpu}: its pods could never be placed"
        )
    if mebibytes(asked.requests.memory) > group.memory_mib:
        yield (
            f"workers.{name}.resources.requests.memory is {asked.requests.memory}, but {where} "
            f"has {group.memory_mib}Mi: its pods could never be placed"
        )
    yield from _limits_below(name, asked.requests, asked.limits)


def _limits_below(name: str, requests: Compute, limits: Compute) -> Iterator[str]:
    if millicores(limits.cpu) < millicores(requests.cpu):
        yield f"workers.{name}.resources.limits.cpu {limits.cpu} is below requests {requests.cpu}"
    if mebibytes(limits.memory) < mebibytes(requests.memory):
        yield (
            f"workers.{name}.resources.limits.memory {limits.memory} is below requests "
            f"{requests.memory}"
        )
