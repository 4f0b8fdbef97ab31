"""A node's lease, by which the node controller knows that the node lives."""

from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.rules.timestamps import rfc3339_micro

# The kubelet's nodeLeaseDurationSeconds.
_DURATION_S = 40


def lease_renewal(node: str, now: float) -> JsonObject:
    return {
        "spec": {
            "holderIdentity": node,
            "leaseDurationSeconds": _DURATION_S,
            "renewTime": rfc3339_micro(now),
        }
    }


def lease_object(node: str, node_uid: str, now: float) -> JsonObject:
    """A lease that goes when its node goes."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": node_uid}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": node, "ownerReferences": [owner]},
        **lease_renewal(node, now),
    }
