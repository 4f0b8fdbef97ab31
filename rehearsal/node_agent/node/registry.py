"""Registers the spec's nodes and keeps them alive in the API server's eyes."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiError, ApiRefusedError
from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.rules.lease import lease_object, lease_renewal
from rehearsal.node_agent.rules.node_status import (
    STAND_IN,
    STAND_IN_LABEL,
    AgentFacts,
    capacity,
    is_ready,
    merged_taints,
    node_labels,
    node_object,
    node_status,
    stopped_status,
)
from rehearsal.spec import NodeSpec

# The kubelet's own pace: a lease every 10 s, an unchanged status every 5 min.
_LEASE_S = 10.0
_STATUS_S = 300.0
_RETRY_S = 1.0
_NODES = "/api/v1/nodes"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"

_log = logging.getLogger(__name__)


class NodeRegistry:
    """The nodes of the spec, each registered, Ready and with a fresh lease."""

    def __init__(self, api: ApiClient, agent: AgentFacts) -> None:
        self._api = api
        self._agent = agent
        self._nodes: dict[str, NodeSpec] = {}
        self._told_at: dict[str, float] = {}
        self._wake = asyncio.Event()

    def owns(self, name: str) -> bool:
        return name in self._nodes

    def allocatable(self, name: str) -> Mapping[str, str]:
        node = self._nodes.get(name)
        return capacity(node) if node else {}

    def image_pull_s(self, name: str) -> float:
        node = self._nodes.get(name)
        return node.image_pull_s if node else 0.0

    def declare(self, nodes: Iterable[NodeSpec]) -> None:
        """Add nodes, or change them; they are registered at once."""
        for node in nodes:
            if self._nodes.get(node.name) != node:
                self._nodes[node.name] = node
                self._told_at.pop(node.name, None)
        self._wake.set()

    def names(self) -> set[str]:
        return set(self._nodes)

    async def cordon(self, name: str) -> None:
        """Have nothing new bound to the node."""
        try:
            await self._api.patch(f"{_NODES}/{name}", {"spec": {"unschedulable": True}})
        except ApiRefusedError as error:
            if not error.not_found:
                raise

    async def retire(self, name: str) -> None:
        """Take a node out; its pods are somebody else's care."""
        self._nodes.pop(name, None)
        await self._delete(name)

    async def run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._keep_all()
                pause_s = _LEASE_S
            except ApiError as error:
                _log.warning("nodes not renewed: %s", error)
                pause_s = _RETRY_S
            try:
                await asyncio.wait_for(self._wake.wait(), pause_s)
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Say that the nodes are out of service, so that nothing new is bound to them."""
        found = await self._found()
        for name in self._nodes.keys() & found.keys():
            status = stopped_status(_conditions(found[name]), time.time())
            await self._patch_status(name, status)

    async def _keep_all(self) -> None:
        found = await self._found()
        for name in found.keys() - self._nodes.keys():
            if found[name]["metadata"].get("labels", {}).get(STAND_IN_LABEL) == STAND_IN:
                await self._delete(name)
        for node in list(self._nodes.values()):
            await self._keep(node, found.get(node.name))

    async def _keep(self, node: NodeSpec, found: JsonObject | None) -> None:
        known_for_s = time.time() - self._told_at.get(node.name, 0.0)
        if found is None or node.name not in self._told_at:
            found = await self._register(node)
        if not is_ready(found) or known_for_s > _STATUS_S:
            status = node_status(node, self._agent, _conditions(found), time.time())
            await self._patch_status(node.name, status)
            self._told_at[node.name] = time.time()
        await self._renew_lease(node.name, found["metadata"]["uid"])

    async def _register(self, node: NodeSpec) -> JsonObject:
        try:
            found = await self._api.create(_NODES, node_object(node))
            _log.info("node %s registered", node.name)
        except ApiRefusedError as error:
            if not error.conflict:
                raise
            found = await self._refresh(node)
        return found

    async def _refresh(self, node: NodeSpec) -> JsonObject:
        """Bring a node that is there already to what the spec declares."""
        path = f"{_NODES}/{node.name}"
        existing = await self._api.get(path)
        taints = merged_taints(node, existing["spec"].get("taints", []))
        changes = {"metadata": {"labels": node_labels(node)}, "spec": {"taints": taints}}
        return await self._api.patch(path, changes)

    async def _renew_lease(self, name: str, uid: str) -> None:
        now = time.time()
        try:
            await self._api.patch(f"{_LEASES}/{name}", lease_renewal(name, now))
        except ApiRefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            await self._api.create(_LEASES, lease_object(name, uid, now))

    async def _found(self) -> dict[str, JsonObject]:
        # Version 0: the server's cache will do, as it does for a kubelet.
        listed = await self._api.get(_NODES, {"resourceVersion": "0"})
        return {item["metadata"]["name"]: item for item in listed["items"]}

    async def _patch_status(self, name: str, status: JsonObject) -> None:
        path = f"{_NODES}/{name}/status"
        await self._api.patch(path, {"status": status}, "strategic-merge-patch")

    async def _delete(self, name: str) -> None:
        try:
            await self._api.delete(f"{_NODES}/{name}")
            _log.info("node %s deleted: the spec does not have it", name)
        except ApiRefusedError as error:
            if not error.not_found:
                raise


def _conditions(node: JsonObject) -> list[JsonObject]:
    found: list[JsonObject] = node.get("status", {}).get("conditions", [])
    return found
