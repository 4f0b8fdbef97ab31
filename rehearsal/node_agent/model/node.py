"""A node, as far as somebody places pods on it."""

from collections.abc import Mapping

from rehearsal.node_agent.model.base import Metadata, Read
from rehearsal.node_agent.model.pod import Condition


class NodeTaint(Read):
    key: str
    value: str = ""
    effect: str = ""


class NodeSpecRead(Read):
    unschedulable: bool = False
    taints: tuple[NodeTaint, ...] = ()


class NodeStatus(Read):
    allocatable: Mapping[str, str] = {}
    conditions: tuple[Condition, ...] = ()


class Node(Read):
    metadata: Metadata
    spec: NodeSpecRead = NodeSpecRead()
    status: NodeStatus = NodeStatus()

    @property
    def ready(self) -> bool:
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)
