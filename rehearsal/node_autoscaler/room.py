"""What a node has room for: the scheduler's rules that matter to a fleet's pods.

Left out are affinity and the weighing of nodes; a pod with affinity gets no new node.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from rehearsal.node_agent.model.node import Node, NodeTaint
from rehearsal.node_agent.model.pod import Pod, PodSpec, Toleration
from rehearsal.node_agent.rules.node_status import capacity, node_labels
from rehearsal.node_agent.rules.quantity import parse_quantity
from rehearsal.spec import NodeSpec

_PODS = "pods"
_OVER = {"Succeeded", "Failed"}
# Only wished for: the scheduler places a pod there all the same.
_MILD = "PreferNoSchedule"

Resources = dict[str, Decimal]


@dataclass
class Room:
    """What one node, there or to come, still offers."""

    node: str
    labels: dict[str, str]
    taints: tuple[NodeTaint, ...]
    free: Resources

    @classmethod
    def of(cls, node: Node, bound: Iterable[Pod]) -> "Room":
        """Of a node that is there, less what its pods have asked for."""
        room = cls(
            node.metadata.name,
            dict(node.metadata.labels),
            node.spec.taints,
            _amounts(node.status.allocatable),
        )
        for pod in bound:
            room.take(pod)
        return room

    @classmethod
    def of_new(cls, node: NodeSpec) -> "Room":
        """Of a node that is to come."""
        taints = tuple(NodeTaint(key=t.key, value=t.value, effect=t.effect) for t in node.taints)
        return cls(node.name, node_labels(node), taints, _amounts(capacity(node)))

    def problem(self, pod: Pod) -> str | None:
        """Say why the pod cannot be here, in the scheduler's words; None if it can."""
        spec = pod.spec
        if spec.affinity:
            return "the stand-in does not weigh affinity"
        if any(self.labels.get(key) != value for key, value in spec.node_selector.items()):
            return "node(s) didn't match Pod's node affinity/selector"
        for taint in self.taints:
            if not _is_tolerated(taint, spec.tolerations):
                return f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"
        asked = requests(spec)
        short = [name for name, amount in asked.items() if amount > self.free.get(name, 0)]
        return f"Insufficient {', '.join(short)}" if short else None

    def take(self, pod: Pod) -> None:
        for name, amount in requests(pod.spec).items():
            self.free[name] = self.free.get(name, Decimal()) - amount


def requests(spec: PodSpec) -> Resources:
    """What a pod asks for: its containers' sum, or a greater init container's."""
    asked: Resources = {_PODS: Decimal(1)}
    for container in spec.containers:
        for name, amount in _amounts(container.resources.requests).items():
            asked[name] = asked.get(name, Decimal()) + amount
    for container in spec.init_containers:
        for name, amount in _amounts(container.resources.requests).items():
            asked[name] = max(asked.get(name, Decimal()), amount)
    return asked


def occupies(pod: Pod) -> bool:
    """Whether a pod that is bound to a node still needs it."""
    return bool(pod.spec.node_name) and pod.status.phase not in _OVER


def is_unschedulable(pod: Pod) -> bool:
    """Whether the scheduler has looked for a place for the pod, and found none."""
    return (
        not pod.spec.node_name
        and pod.metadata.deletion_timestamp is None
        and any(
            c.type == "PodScheduled" and c.status == "False" and c.reason == "Unschedulable"
            for c in pod.status.conditions
        )
    )


def _is_tolerated(taint: NodeTaint, tolerations: Iterable[Toleration]) -> bool:
    return taint.effect == _MILD or any(_tolerates(each, taint) for each in tolerations)


def _tolerates(toleration: Toleration, taint: NodeTaint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.operator == "Exists":
        return toleration.key in {"", taint.key}
    return (toleration.key, toleration.value) == (taint.key, taint.value)


def _amounts(quantities: Mapping[str, str]) -> Resources:
    return {name: parse_quantity(text) for name, text in quantities.items()}
