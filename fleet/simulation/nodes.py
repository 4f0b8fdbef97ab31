"""The nodes of one group: launched when pods find no room, released when empty for long."""

from collections import deque
from typing import Protocol

from fleet.simulation.agenda import Agenda
from fleet.simulation.infrastructure import NodeGroup


class Node:
    """One machine; `image_s` is when it has the image, None before the first pull begins."""

    __slots__ = ("image_s", "launched_s", "pods", "ready", "use")

    def __init__(self, launched_s: float) -> None:
        self.launched_s = launched_s
        self.image_s: float | None = None
        self.ready = False
        self.pods = 0
        self.use = 0
        """Counts placements, so that an old release check sees it was used since."""


class Placed(Protocol):
    """What a node needs to know of a pod."""

    def bind(self, node: Node) -> None:
        """The pod has a place; its node may still lack the image."""


class NodePool:
    """Places pods on nodes of one group and counts what the nodes cost."""

    def __init__(self, agenda: Agenda, group: NodeGroup, first_pods: int) -> None:
        self._agenda = agenda
        self._group = group
        self._nodes: list[Node] = []
        self._launching = 0
        self._waiting: deque[Placed] = deque()
        self._released_s = 0.0
        for _ in range(max(group.warm_nodes, -(-first_pods // group.pods_per_node))):
            node = Node(agenda.now_s)
            node.image_s = agenda.now_s
            self._nodes.append(node)

    def place(self, pod: Placed) -> None:
        """Bind the pod to the emptiest node with room, or launch a node and bind it later."""
        room = [node for node in self._nodes if node.pods < self._group.pods_per_node]
        if room:
            self._bind(pod, min(room, key=lambda node: node.pods))
            return
        self._waiting.append(pod)
        if len(self._waiting) > self._launching * self._group.pods_per_node:
            self._launching += 1
            launched_s = self._agenda.now_s
            self._agenda.at(launched_s + self._group.launch_s, self._join, launched_s)

    def forget(self, pod: Placed) -> None:
        """A pod was deleted before it had a node; the launch goes on, as a cloud's does."""
        self._waiting.remove(pod)

    def release(self, node: Node) -> None:
        """A pod has left."""
        node.pods -= 1
        if self._waiting:
            self._bind(self._waiting.popleft(), node)
        elif node.pods == 0:
            self._watch(node)

    def node_s(self) -> float:
        """Node-seconds so far, from launch to release; a launching node counts once it is there."""
        now_s = self._agenda.now_s
        return self._released_s + sum(now_s - node.launched_s for node in self._nodes)

    def image_s(self, node: Node) -> float:
        """When the node has the image; the first call begins the pull."""
        if node.image_s is None:
            node.image_s = self._agenda.now_s + self._group.image_pull_s
        return node.image_s

    def _join(self, launched_s: float) -> None:
        self._launching -= 1
        node = Node(launched_s)
        self._nodes.append(node)
        while self._waiting and node.pods < self._group.pods_per_node:
            self._bind(self._waiting.popleft(), node)
        if node.pods == 0:
            self._watch(node)

    def _bind(self, pod: Placed, node: Node) -> None:
        node.pods += 1
        node.use += 1
        pod.bind(node)

    def _watch(self, node: Node) -> None:
        due_s = self._agenda.now_s + self._group.idle_release_s
        self._agenda.at(due_s, self._release_if_unused, node, node.use)

    def _release_if_unused(self, node: Node, use: int) -> None:
        if node.use == use and len(self._nodes) > self._group.warm_nodes:
            self._nodes.remove(node)
            self._released_s += self._agenda.now_s - node.launched_s
