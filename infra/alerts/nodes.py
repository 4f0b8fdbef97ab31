"""Nodes and images: what keeps a pod that the scaler asked for from running, and idle GPUs."""

from collections.abc import Iterator

from infra.alerts.rule import Rule, Series, any_of, counted, duration, equal
from infra.models.cluster import NodeGroupSpec
from infra.models.eks import EksCluster
from infra.models.fleet import FleetConfig
from infra.names import worker_object

_SLACK_S = 600
_IDLE_SLACK_S = 1800
# What a ReplicaSet adds to a Deployment's name, twice: its own hash, and the pod's.
POD_OF_DEPLOYMENT = "-[a-z0-9]+-[a-z0-9]+"
_BROKEN = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


def node_rules(config: FleetConfig, series: Series) -> Iterator[Rule]:
    """Rules of every node group that workers use, and of the GPUs of a cluster that is ours."""
    for name, group in config.node_groups.items():
        workers = [worker for worker, spec in config.workers.items() if spec.node_group == name]
        if workers:
            yield from _pods(series, name, group, workers)
    if isinstance(config.cluster, EksCluster):
        yield _failed_launches()
        gpus = {name: group for name, group in config.node_groups.items() if group.gpu}
        if gpus:
            yield _idle_gpus(list(gpus.values()))


def _pods(series: Series, name: str, group: NodeGroupSpec, workers: list[str]) -> Iterator[Rule]:
    pods = any_of("pod", map(worker_object, workers), POD_OF_DEPLOYMENT)
    launch_s = round(group.launch_s + group.image_pull_s) + _SLACK_S
    yield Rule(
        "NodeGroupCannotLaunch",
        f"sum({series.of('kube_pod_status_unschedulable', pods)}) > 0",
        launch_s,
        "ticket",
        f"Pods find no node of group {name}",
        f"{{{{ $value }}}} pods of node group {name} have found no place for {duration(launch_s)}.",
        {"node_group": name},
    )
    for reason, for_s, severity, told in (
        ((equal("reason", "ContainerCreating"),), launch_s, "ticket", "is slow"),
        ((any_of("reason", _BROKEN),), 300, "page", "fails"),
    ):
        waiting = series.of("kube_pod_container_status_waiting_reason", pods, *reason)
        yield Rule(
            "ImagePull",
            f"sum({waiting}) > 0",
            for_s,
            "page" if severity == "page" else "ticket",
            f"The pull of an image {told} on node group {name}",
            f"{{{{ $value }}}} containers on node group {name} have waited for their image for "
            f"{duration(for_s)}; the pull {told}.",
            {"node_group": name, "pull": "slow" if severity == "ticket" else "failing"},
        )


def _failed_launches() -> Rule:
    """Of the cluster's one autoscaler, which tells no node group; see the rule of each group."""
    return Rule(
        "NodeGroupCannotLaunch",
        f"{counted('cluster_autoscaler_failed_scale_ups_total', '30m')} > 0",
        300,
        "ticket",
        "The node autoscaler cannot get nodes",
        "{{ $value }} attempts of the node autoscaler to get nodes failed within half an hour: no "
        "capacity, a quota, or nodes that do not come up.",
        {"node_group": "any"},
    )


def _idle_gpus(groups: list[NodeGroupSpec]) -> Rule:
    """More idle GPU nodes than are kept at rest, longer than the autoscaler keeps them."""
    kept = sum(group.nodes for group in groups)
    idle_s = round(max(group.idle_s for group in groups))
    busy = f"max by (Hostname) (max_over_time(DCGM_FI_DEV_GPU_UTIL[{duration(idle_s)}]))"
    return Rule(
        "GpuNodeIdle",
        f"count({busy} == 0) > {kept}",
        _IDLE_SLACK_S,
        "ticket",
        "GPU nodes run without work",
        f"{{{{ $value }}}} nodes with GPUs have done nothing for "
        f"{duration(idle_s + _IDLE_SLACK_S)}; {kept} are kept at rest.",
    )
