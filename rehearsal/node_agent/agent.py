"""Puts the node agent together and runs it until it is told to stop."""

import asyncio
import logging
import time
from functools import partial

from rehearsal.layout import Layout
from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiError
from rehearsal.node_agent.api.events import EventRecorder
from rehearsal.node_agent.api.retry import until_answered
from rehearsal.node_agent.api.sources import SourceReader
from rehearsal.node_agent.api.watch import Collection, Watch
from rehearsal.node_agent.logs.certificate import server_tls
from rehearsal.node_agent.logs.files import cut_large_logs
from rehearsal.node_agent.logs.server import LogServer
from rehearsal.node_agent.node.provisioner import Provisioner
from rehearsal.node_agent.node.registry import NodeRegistry
from rehearsal.node_agent.pods.actions import ActionRunner
from rehearsal.node_agent.pods.image_pulls import ImagePulls
from rehearsal.node_agent.pods.members import reap_orphans
from rehearsal.node_agent.pods.pod_set import PodSet
from rehearsal.node_agent.pods.services import Services
from rehearsal.node_agent.pods.volumes import VolumeLayer
from rehearsal.node_agent.rules.node_status import STAND_IN, AgentFacts
from rehearsal.node_agent.spec_file import SpecFile

HEARTBEAT_FILE = "node-agent.heartbeat"
_HEARTBEAT_S = 2.0
_LOOKS_AT_SPEC_S = 1.0
_TIDIES_S = 15.0
# What the API server gets to hear that the nodes are out of service.
_FAREWELL_S = 1.0

_log = logging.getLogger(__name__)


class Agent:
    """All nodes of one rehearsal, in one process."""

    def __init__(self, layout: Layout, api: ApiClient, version: str) -> None:
        self._layout = layout
        self._spec = SpecFile(layout)
        self._api = api
        self._logs = LogServer(layout.pods, server_tls(layout.certificates))
        self._events = EventRecorder(api, STAND_IN)
        self._actions = ActionRunner()
        self._registry = NodeRegistry(api, AgentFacts(self._logs.port, version))
        self._provisioner = Provisioner(api, layout.volumes)
        self._pulls = ImagePulls(self._registry.image_pull_s)
        reader = SourceReader(api)
        services = Services(
            api=api,
            events=self._events,
            reader=reader,
            volumes=VolumeLayer(api, reader),
            actions=self._actions,
            images=lambda: self._spec.current.images,
            allocatable=self._registry.allocatable,
            pulls=self._pulls,
        )
        self._pods = PodSet(layout.pods, services, self._registry.owns)
        self._watches = self._collections()
        self._leaving: set[str] = set()

    async def run(self, stop: asyncio.Event, stop_limit_s: float) -> None:
        """Run the nodes; once `stop` is set, end every process within the limit."""
        self._registry.declare(self._spec.nodes)
        self._logs.start()
        async with asyncio.TaskGroup() as loops:
            tasks = [
                *(loops.create_task(watch.run()) for watch in self._watches),
                loops.create_task(self._registry.run()),
                loops.create_task(self._events.run()),
                loops.create_task(self._provisioner.run()),
                loops.create_task(self._follow_spec(loops)),
                loops.create_task(self._tidy()),
                loops.create_task(self._beat()),
            ]
            await stop.wait()
            _log.info("stopping: every process gets at most %.0f s", stop_limit_s)
            await self._take_out_of_service()
            await self._pods.stop(stop_limit_s)
            for task in tasks:
                task.cancel()
        self._logs.stop()
        await self._actions.close()

    def _collections(self) -> list[Watch]:
        pods, provisioner = self._pods, self._provisioner
        followed = (
            Collection(
                "/api/v1/pods",
                pods.on_set,
                pods.on_gone,
                pods.on_listed,
                selector="spec.nodeName!=",
            ),
            Collection(
                "/api/v1/persistentvolumeclaims",
                provisioner.on_claim,
                provisioner.on_claim_gone,
            ),
            Collection(
                "/api/v1/persistentvolumes", provisioner.on_volume, provisioner.on_volume_gone
            ),
        )
        return [Watch(self._api, collection) for collection in followed]

    async def _take_out_of_service(self) -> None:
        try:
            async with asyncio.timeout(_FAREWELL_S):
                await self._registry.stop()
        except (ApiError, TimeoutError) as error:
            _log.warning("nodes not marked as stopped: %s", error)

    async def _follow_spec(self, loops: asyncio.TaskGroup) -> None:
        """Take nodes in and out as the spec and the node autoscaler say."""
        while True:
            await asyncio.sleep(_LOOKS_AT_SPEC_S)
            if not self._spec.refresh():
                continue
            self._registry.declare(self._spec.nodes)
            wanted = {node.name for node in self._spec.nodes}
            for name in self._registry.names() - wanted - self._leaving:
                loops.create_task(self._let_go(name))

    async def _let_go(self, name: str) -> None:
        """End a node's pods, each with its own grace, then the node."""
        _log.info("node %s is not wanted any more", name)
        self._leaving.add(name)
        await until_answered(partial(self._registry.cordon, name))
        await self._pods.drain(name)
        await until_answered(partial(self._registry.retire, name))
        self._pulls.forget(name)
        self._leaving.discard(name)
        # It may have been wanted again meanwhile.
        self._registry.declare(self._spec.nodes)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDIES_S)
            reap_orphans()
            for folder in self._pods.folders():
                cut_large_logs(folder)

    async def _beat(self) -> None:
        """Show the supervisor a sign of life, but only while every watch makes progress."""
        heartbeat = self._layout.root / HEARTBEAT_FILE
        while True:
            if not any(watch.stalled for watch in self._watches):
                heartbeat.touch()
            await asyncio.sleep(_HEARTBEAT_S)


async def server_version(api: ApiClient) -> str:
    """The API server's version, marked as a stand-in's; waits until the server answers."""
    began = time.monotonic()
    found = await until_answered(lambda: api.get("/version"))
    _log.info("API server %s after %.1f s", found["gitVersion"], time.monotonic() - began)
    return f"{found['gitVersion']}+rehearsal"
