"""The mark of a node that is about to be removed; nothing new is bound to it."""

from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiRefusedError
from rehearsal.node_agent.model.node import Node

# The Cluster Autoscaler's own, which people and charts know.
KEY = "ToBeDeletedByClusterAutoscaler"


def is_condemned(node: Node) -> bool:
    return any(taint.key == KEY for taint in node.spec.taints)


async def condemn(api: ApiClient, node: Node) -> None:
    """Have nothing new bound to the node."""
    await _set(api, node, condemned=True)


async def pardon(api: ApiClient, node: Node) -> None:
    """Let the node take pods again."""
    await _set(api, node, condemned=False)


async def _set(api: ApiClient, node: Node, *, condemned: bool) -> None:
    """Add or take away the mark.

    The node's version goes along: a taint that somebody sets meanwhile must not be lost.
    """
    taints = [taint.model_dump() for taint in node.spec.taints if taint.key != KEY]
    if condemned:
        taints.append({"key": KEY, "value": "", "effect": "NoSchedule"})
    meta = {"resourceVersion": node.metadata.resource_version}
    try:
        path = f"/api/v1/nodes/{node.metadata.name}"
        await api.patch(path, {"metadata": meta, "spec": {"taints": taints}})
    except ApiRefusedError as error:
        # The next look decides anew, with the node as it is then.
        if not (error.conflict or error.not_found):
            raise
