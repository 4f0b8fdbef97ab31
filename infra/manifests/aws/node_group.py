"""How nodes of a group are started: machine image, disk, metadata service, taints, size."""

import re
from collections.abc import Mapping
from typing import Any

from infra.manifests.deployment import NODE_GROUP_LABEL
from infra.models.cluster import NodeGroupSpec, Taint

GPU_PRESENT = "nvidia.com/gpu.present"
_GPU = "nvidia.com/gpu"
# Family, generation, then attributes, where `g` is Graviton: m7g, c7gn, g5g (EC2 naming).
_GRAVITON = re.compile(r"^(a1|[a-z]+[0-9]+[a-z]*g[a-z]*)\.")
_DISK_GIB = 50
# A CUDA image is 5-10 GB, unpacked twice that.
_GPU_DISK_GIB = 150
# gp3's own figures, and twice its throughput while a large image is unpacked.
_IOPS = 3000
_MIBPS, _GPU_MIBPS = 125, 250
_EFFECTS = {
    "NoSchedule": "NO_SCHEDULE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
}
_TEMPLATE = "k8s.io/cluster-autoscaler/node-template"


def architecture(instance_type: str) -> str:
    """Docker's word for an instance type's processor."""
    return "arm64" if _GRAVITON.match(instance_type) else "amd64"


def ami_type(group: NodeGroupSpec) -> str:
    """Amazon Linux 2023, with NVIDIA's driver where there are GPUs."""
    arm = architecture(group.instance_type or "") == "arm64"
    if group.gpu:
        return "AL2023_ARM_64_NVIDIA" if arm else "AL2023_x86_64_NVIDIA"
    return "AL2023_ARM_64_STANDARD" if arm else "AL2023_x86_64_STANDARD"


def launch_template(group: NodeGroupSpec, tags: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of the launch template, but for the security groups.

    Pods get credentials by Pod Identity; with one hop the node's own are out of their reach.
    """
    disk = {
        "volume_type": "gp3",
        "volume_size": disk_gib(group),
        "iops": _IOPS,
        "throughput": _GPU_MIBPS if group.gpu else _MIBPS,
        "encrypted": "true",
        "delete_on_termination": "true",
    }
    return {
        "metadata_options": {
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        "block_device_mappings": [{"device_name": "/dev/xvda", "ebs": disk}],
        # EKS passes tags of a node group on to neither.
        "tag_specifications": [
            {"resource_type": kind, "tags": dict(tags)} for kind in ("instance", "volume")
        ],
        "update_default_version": True,
    }


def disk_gib(group: NodeGroupSpec) -> int:
    return group.disk_gib or (_GPU_DISK_GIB if group.gpu else _DISK_GIB)


def node_group(name: str, group: NodeGroupSpec) -> dict[str, Any]:
    """Arguments of the node group that need nothing but the model."""
    return {
        "ami_type": ami_type(group),
        "capacity_type": "SPOT" if group.spot else "ON_DEMAND",
        "instance_types": [group.instance_type],
        "labels": node_labels(name, group),
        "taints": [_taint(taint) for taint in group.taints],
        "scaling_config": {
            "min_size": group.nodes,
            "max_size": group.max_nodes,
            "desired_size": group.nodes,
        },
        "update_config": {"max_unavailable": 1},
        "node_repair_config": {"enabled": True},
    }


def node_labels(name: str, group: NodeGroupSpec) -> dict[str, str]:
    """Labels that workers, the device plugin and DCGM's exporter select nodes by."""
    gpu = {GPU_PRESENT: "true"} if group.gpu else {}
    return {**group.labels, **gpu, NODE_GROUP_LABEL: name}


def autoscaler_tags(name: str, group: NodeGroupSpec) -> dict[str, str]:
    """What the Cluster Autoscaler cannot see of a group while it has no node.

    Instance type, and with it CPU and memory, it reads itself; a group that never is at zero
    needs none of it.
    """
    if group.nodes:
        return {}
    resources = {f"{_TEMPLATE}/resources/{_GPU}": str(group.gpu)} if group.gpu else {}
    taints = {
        f"{_TEMPLATE}/taint/{taint.key}": f"{taint.value}:{taint.effect}" for taint in group.taints
    }
    return {f"{_TEMPLATE}/label/{NODE_GROUP_LABEL}": name, **taints, **resources}


def _taint(taint: Taint) -> dict[str, str]:
    value = {"value": taint.value} if taint.value else {}
    return {"key": taint.key, **value, "effect": _EFFECTS[taint.effect]}
