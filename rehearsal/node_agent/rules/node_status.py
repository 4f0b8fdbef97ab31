"""A node's object and status, from what the spec declares."""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.rules.timestamps import rfc3339
from rehearsal.spec import NodeSpec

HOST_IP = "127.0.0.1"
STAND_IN_LABEL = "celery-fleet.dev/stand-in"
"""On every node this agent owns; its value names the agent."""
STAND_IN = "node-agent"
# The kubelet's default --max-pods, for a node whose spec does not say.
_DEFAULT_PODS = "110"
# Kubernetes' own taints (not-ready, unschedulable ...) come and go under this prefix.
_SYSTEM_TAINTS = "node.kubernetes.io/"
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class AgentFacts:
    """What every node of one agent has in common."""

    port: int
    """Where the agent serves logs."""
    version: str
    """The API server's, marked as a stand-in's."""


def node_labels(node: NodeSpec) -> dict[str, str]:
    """The kubelet's well-known labels, the declared ones, and the stand-in's mark."""
    return {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": _architecture(),
        **node.labels,
        STAND_IN_LABEL: STAND_IN,
    }


def node_object(node: NodeSpec) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": node_labels(node)},
        "spec": {"taints": declared_taints(node)},
    }


def declared_taints(node: NodeSpec) -> list[JsonObject]:
    return [taint.model_dump() for taint in node.taints]


def merged_taints(node: NodeSpec, existing: Iterable[JsonObject]) -> list[JsonObject]:
    """The declared taints, and the system's own that the node has at this moment."""
    system = [taint for taint in existing if taint["key"].startswith(_SYSTEM_TAINTS)]
    return [*declared_taints(node), *system]


def capacity(node: NodeSpec) -> dict[str, str]:
    return {"pods": _DEFAULT_PODS, **node.capacity}


def node_status(
    node: NodeSpec, agent: AgentFacts, before: Iterable[JsonObject], now: float
) -> JsonObject:
    """The status of a working node; `before` are the conditions as the server has them."""
    pressures = [
        _Finding(kind, met=False, reason="NotMeasured", message="a stand-in does not measure it")
        for kind in _PRESSURES
    ]
    return {
        "capacity": capacity(node),
        "allocatable": capacity(node),
        "addresses": [
            {"type": "InternalIP", "address": HOST_IP},
            {"type": "Hostname", "address": node.name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": agent.port}},
        "nodeInfo": _node_info(agent.version),
        "conditions": _conditions([*pressures, _WORKING], before, now),
    }


def stopped_status(before: Iterable[JsonObject], now: float) -> JsonObject:
    """The status of a node whose agent has stopped."""
    return {"conditions": _conditions([_STOPPED], before, now)}


def is_ready(node: JsonObject) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _conditions(
    findings: Iterable["_Finding"], before: Iterable[JsonObject], now: float
) -> list[JsonObject]:
    stood = {(c["type"], c["status"]): c["lastTransitionTime"] for c in before}
    return [finding.as_json(stood, now) for finding in findings]


class _Finding(NamedTuple):
    type: str
    met: bool
    reason: str
    message: str

    def as_json(self, stood: Mapping[tuple[str, str], str], now: float) -> JsonObject:
        status = "True" if self.met else "False"
        return {
            "type": self.type,
            "status": status,
            "reason": self.reason,
            "message": self.message,
            "lastHeartbeatTime": rfc3339(now),
            "lastTransitionTime": stood.get((self.type, status), rfc3339(now)),
        }


_WORKING = _Finding(
    "Ready", met=True, reason="NodeAgentReady", message="the node agent, a stand-in, runs pods"
)
_STOPPED = _Finding(
    "Ready", met=False, reason="NodeAgentStopped", message="the node agent, a stand-in, is away"
)


def _node_info(version: str) -> JsonObject:
    return {
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
        "kernelVersion": platform.release(),
        "osImage": "local processes (stand-in for a container node)",
        "containerRuntimeVersion": "rehearsal://1",
        "kubeletVersion": version,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": _architecture(),
    }


def _architecture() -> str:
    return _ARCHITECTURES.get(platform.machine(), platform.machine())
