"""The pods of one Deployment: their start, their choice as victims, their end and their cost."""

import math

import numpy as np

from fleet.simulation.agenda import Agenda
from fleet.simulation.infrastructure import Infrastructure
from fleet.simulation.nodes import Node, NodePool
from fleet.simulation.policy import ScalingPolicy
from fleet.simulation.queue_workers import QueueWorkers, Worker

_UNPLACED, _PULLING, _STARTING, _READY = range(4)
_NS_PER_S = 1e9


class Pod:
    """One pod; it counts as a replica until it is deleted, and costs until it is gone."""

    __slots__ = ("_replicas", "bound_s", "deleted", "image_s", "node", "ready_s", "uid", "worker")

    def __init__(self, replicas: "ReplicaSet", uid: float) -> None:
        self._replicas = replicas
        self.uid = uid
        self.worker = Worker(self._leave)
        self.node: Node | None = None
        self.bound_s: float | None = None
        self.image_s = 0.0
        self.ready_s: float | None = None
        self.deleted = False

    def bind(self, node: Node | None) -> None:
        """It has a place: the node's own or, without node groups, anywhere."""
        self.node = node
        self._replicas.start(self)

    def _leave(self) -> None:
        self._replicas.remove(self)

    def phase(self, now_s: float) -> int:
        """How far it has come, in the order in which a ReplicaSet deletes."""
        if self.bound_s is None:
            return _UNPLACED
        if self.ready_s is not None:
            return _READY
        return _PULLING if now_s < self.image_s else _STARTING


class ReplicaSet:
    """Keeps the wanted number of pods; pods that shut down are no replicas but still cost."""

    def __init__(
        self,
        agenda: Agenda,
        workers: QueueWorkers,
        policy: ScalingPolicy,
        infrastructure: Infrastructure,
        draws: np.random.Generator,
    ) -> None:
        self._agenda = agenda
        self._workers = workers
        self._grace_s = policy.delivery.grace_s
        self._deletion_cost = policy.deletion_cost
        self._pod_start_s = infrastructure.pod_start_s
        self._draws = draws
        self._replicas: list[Pod] = []
        self._present: set[Pod] = set()
        self._gone_pod_s = 0.0
        group = infrastructure.nodes
        self._nodes = NodePool(agenda, group, policy.rest_replicas) if group else None
        self.starts = 0
        self.timeline: list[tuple[float, int]] = []
        self._begin(policy.rest_replicas)

    @property
    def replicas(self) -> int:
        """Pods that are not being deleted, ready or not."""
        return len(self._replicas)

    @property
    def ready(self) -> int:
        """Replicas that take tasks."""
        return self._workers.serving

    def pod_s(self) -> float:
        """Pod-seconds so far, from a pod's place on a node until its process is gone."""
        now_s = self._agenda.now_s
        return self._gone_pod_s + sum(now_s - (pod.bound_s or 0.0) for pod in self._present)

    def node_s(self) -> float:
        """Node-seconds so far; 0 where the nodes are shared with others."""
        return self._nodes.node_s() if self._nodes else 0.0

    def scale(self, wanted: int) -> None:
        """Create pods, or delete the ones that a ReplicaSet would choose."""
        change = wanted - len(self._replicas)
        if change == 0:
            return
        for _ in range(change):
            self._create()
        if change < 0:
            for pod in sorted(self._replicas, key=self._victim_order())[:-change]:
                self._delete(pod)
        self.timeline.append((self._agenda.now_s, wanted))

    def start(self, pod: Pod) -> None:
        """The pod has a place: pull the image if need be, then start the process."""
        now_s = self._agenda.now_s
        pod.bound_s = now_s
        self._present.add(pod)
        self.starts += 1
        pod.image_s = self._nodes.image_s(pod.node) if self._nodes and pod.node else now_s
        self._agenda.at(max(now_s, pod.image_s) + self._pod_start_s, self._make_ready, pod)

    def remove(self, pod: Pod) -> None:
        """The pod's process is gone; its place is free."""
        self._present.remove(pod)
        self._gone_pod_s += self._agenda.now_s - (pod.bound_s or 0.0)
        if self._nodes and pod.node:
            self._nodes.release(pod.node)

    def _begin(self, replicas: int) -> None:
        """The replicas of a fleet at rest have been ready for long."""
        for _ in range(replicas):
            pod = self._create()
            pod.ready_s = self._agenda.now_s
            self._workers.join(pod.worker)
        self.starts = 0
        self.timeline.append((self._agenda.now_s, replicas))

    def _create(self) -> Pod:
        pod = Pod(self, float(self._draws.random()))
        self._replicas.append(pod)
        if self._nodes:
            self._nodes.place(pod)
        else:
            pod.bind(None)
        return pod

    def _make_ready(self, pod: Pod) -> None:
        if pod.deleted or pod.ready_s is not None:
            return
        pod.ready_s = self._agenda.now_s
        self._workers.join(pod.worker)

    def _delete(self, pod: Pod) -> None:
        pod.deleted = True
        self._replicas.remove(pod)
        if pod.ready_s is not None:
            self._workers.drain(pod.worker)
            if pod.worker.alive:
                end_s = self._agenda.now_s + self._grace_s
                self._agenda.at(end_s, self._workers.kill, pod.worker)
        elif pod.bound_s is not None:
            self.remove(pod)
        elif self._nodes:
            self._nodes.forget(pod)

    def _victim_order(self) -> "_VictimOrder":
        return _VictimOrder(self._agenda.now_s, self._replicas, by_cost=self._deletion_cost)


class _VictimOrder:
    """Sorts pods as a ReplicaSet does before it deletes (controller_utils.go, ActivePodsWithRanks).

    Unplaced, pulling, starting, ready; then the lower deletion cost, the fuller node, the shorter
    time ready in powers of two, and chance.
    """

    def __init__(self, now_s: float, pods: list[Pod], *, by_cost: bool) -> None:
        self._now_s = now_s
        self._by_cost = by_cost
        self._neighbours: dict[Node | None, int] = {None: 0}
        for pod in pods:
            if pod.node is not None:
                self._neighbours[pod.node] = self._neighbours.get(pod.node, 0) + 1

    def __call__(self, pod: Pod) -> tuple[int, int, int, int, float]:
        cost = len(pod.worker.running) if self._by_cost else 0
        return (
            pod.phase(self._now_s),
            cost,
            -self._neighbours[pod.node],
            self._age(pod),
            pod.uid,
        )

    def _age(self, pod: Pod) -> int:
        ready_s = 0.0 if pod.ready_s is None else self._now_s - pod.ready_s
        return int(math.log2(ready_s * _NS_PER_S)) if ready_s > 0 else -1
