"""Looks at pods and nodes every second, and lets nodes come and go."""

import asyncio
import logging
import time
from collections import defaultdict

from rehearsal.layout import Layout
from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiError
from rehearsal.node_agent.api.events import EventRecorder
from rehearsal.node_agent.api.watch import Collection, Watch
from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.model.node import Node
from rehearsal.node_agent.model.pod import Pod
from rehearsal.node_autoscaler.machines import Machines
from rehearsal.node_autoscaler.room import Room, is_unschedulable, occupies
from rehearsal.node_autoscaler.scale_down import IdleClock, removable
from rehearsal.node_autoscaler.scale_up import GroupPlan, plan_scale_up
from rehearsal.node_autoscaler.taint import condemn, is_condemned, pardon

COMPONENT = "node-autoscaler"
# The Cluster Autoscaler looks every 10 s (`--scan-interval`); here someone watches.
_LOOKS_S = 1.0

_log = logging.getLogger(__name__)


class NodeAutoscaler:
    """The node autoscaler of one rehearsal."""

    def __init__(self, layout: Layout, api: ApiClient) -> None:
        self._api = api
        self._layout = layout
        self._heartbeat = layout.node_autoscaler_heartbeat
        self._machines = Machines(layout, layout.read_staged().node_groups)
        self._events = EventRecorder(api, COMPONENT)
        self._pods: dict[str, Pod] = {}
        self._nodes: dict[str, Node] = {}
        self._clock = IdleClock()
        self._listed: set[str] = set()
        self._watches = [self._watch("pods"), self._watch("nodes")]

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the nodes stay."""
        groups = ", ".join(f"{g.name} {g.minimum}..{g.maximum}" for g in self._machines.groups)
        _log.info("stand-in for a node autoscaler; groups: %s", groups)
        async with asyncio.TaskGroup() as loops:
            tasks = [
                *(loops.create_task(watch.run()) for watch in self._watches),
                loops.create_task(self._events.run()),
                loops.create_task(self._look_for_ever()),
            ]
            await stop.wait()
            for task in tasks:
                task.cancel()

    def _watch(self, kind: str) -> Watch:
        def on_set(item: JsonObject) -> None:
            if kind == "pods":
                self._pods[item["metadata"]["uid"]] = Pod.model_validate(item)
            else:
                self._nodes[item["metadata"]["name"]] = Node.model_validate(item)

        def on_gone(item: JsonObject) -> None:
            self._pods.pop(item["metadata"]["uid"], None)
            if kind == "nodes":
                self._nodes.pop(item["metadata"]["name"], None)

        def on_listed() -> None:
            self._listed.add(kind)

        return Watch(self._api, Collection(f"/api/v1/{kind}", on_set, on_gone, on_listed))

    async def _look_for_ever(self) -> None:
        while True:
            if not any(watch.stalled for watch in self._watches):
                self._heartbeat.touch()
            # Half a view would launch nodes for pods that have a place.
            if self._listed >= {"pods", "nodes"}:
                try:
                    await self._look()
                except ApiError as error:
                    _log.warning("looked in vain: %s", error)
            await asyncio.sleep(_LOOKS_S)

    async def _look(self) -> None:
        now_s = time.monotonic()
        self._machines.adopt(self._layout.read_staged().node_groups)
        self._machines.settle(now_s)
        pending = [pod for pod in self._pods.values() if is_unschedulable(pod)]
        self._scale_up(pending, now_s)
        await self._scale_down(now_s, wanted=bool(pending))

    def _scale_up(self, pending: list[Pod], now_s: float) -> None:
        numbers = self._machines.numbers
        found = plan_scale_up(pending, self._rooms(), self._machines.groups, numbers)
        for plan in found.groups:
            for number in plan.numbers:
                self._machines.launch(plan.group, number, now_s)
            self._tell_helped(plan)
        for pod, reasons in found.helpless:
            told = f"pod didn't trigger scale-up: {reasons}"
            self._events.tell(pod.metadata, "Normal", "NotTriggerScaleUp", told)

    def _tell_helped(self, plan: GroupPlan) -> None:
        for pod in plan.pods:
            told = f"pod triggered scale-up: [{plan.told}]"
            self._events.tell(pod.metadata, "Normal", "TriggeredScaleUp", told)

    def _rooms(self) -> list[Room]:
        """Of nodes that take pods, and of those under way."""
        bound = defaultdict(list)
        for pod in self._pods.values():
            if occupies(pod):
                bound[pod.spec.node_name].append(pod)
        ready = {name: node for name, node in self._nodes.items() if node.ready}
        there = [
            Room.of(node, bound[name])
            for name, node in ready.items()
            if not node.spec.unschedulable
        ]
        under_way = (node for node in self._machines.nodes() if node.name not in ready)
        return there + [Room.of_new(node) for node in under_way]

    async def _scale_down(self, now_s: float, *, wanted: bool) -> None:
        """Mark what is idle, and remove what is marked and still empty at the next look."""
        used = {pod.spec.node_name for pod in self._pods.values() if occupies(pod)}
        ours = {node.name for node in self._machines.nodes()}
        empty = {name for name, node in self._nodes.items() if node.ready} & ours - used
        self._clock.note(empty, now_s)
        marked = [self._nodes[n] for n in ours & self._nodes.keys() if is_condemned(self._nodes[n])]
        for node in marked:
            if wanted or node.metadata.name not in empty:
                await pardon(self._api, node)
            elif await self._is_empty(node.metadata.name):
                self._remove(node)
        if wanted or marked:
            return
        numbers = self._machines.numbers
        for name in list(removable(self._machines.groups, numbers, self._clock, now_s)):
            await condemn(self._api, self._nodes[name])

    async def _is_empty(self, node: str) -> bool:
        """Ask the server itself: the watch may be behind."""
        found = await self._api.get("/api/v1/pods", {"fieldSelector": f"spec.nodeName={node}"})
        return not any(occupies(Pod.model_validate(item)) for item in found["items"])

    def _remove(self, node: Node) -> None:
        told = "node removed by the node autoscaler (a stand-in): it had no pods"
        self._events.tell(node.metadata, "Normal", "ScaleDown", told, kind="Node")
        self._machines.remove(node.metadata.name)
