"""GPUs: whether those that are paid for work, and whether those that are wanted come."""

from collections.abc import Iterator

from infra.alerts.rule import any_of
from infra.dashboards.figures import Figures
from infra.dashboards.panel import Panel, Query, Row, lines, stat
from infra.names import worker_object

# What a ReplicaSet adds to a Deployment's name, twice: its own hash, and the pod's.
_POD = "-[a-z0-9]+-[a-z0-9]+"
_NODE = "{{Hostname}} GPU {{gpu}}"
_HOT_C = 85


def gpu_rows(figures: Figures) -> tuple[Row, ...]:
    """Rows of the GPUs' dashboard."""
    return (
        Row("Nodes and pods", tuple(_pods(figures))),
        Row("GPUs", tuple(_devices())),
    )


def _pods(figures: Figures) -> Iterator[Panel]:
    fleet = figures.config.workers
    workers = [name for name, worker in fleet.items() if worker.resources.gpu]
    gpus = 'kube_node_status_allocatable{resource="nvidia_com_gpu"}'
    yield stat(
        "GPUs",
        "On nodes of the whole cluster; none while nothing runs is what a group at zero is for.",
        "none",
        f"sum({gpus}) or vector(0)",
        (),
        "GpuNodeIdle",
    )
    if not workers:
        return
    pods = any_of("pod", map(worker_object, workers), _POD)
    unplaced = figures.series.of("kube_pod_status_unschedulable", pods)
    yield stat(
        "Pods without a node",
        "Pods of GPU workers that find no place; a new node takes minutes to come.",
        "none",
        f"sum({unplaced}) or vector(0)",
        ((1, "orange"),),
        "NodeGroupCannotLaunch",
    )
    yield lines(
        "Pods of GPU workers",
        "There, and wanted.",
        "none",
        [
            query
            for worker in workers
            for query in (
                Query(figures.pods("status_replicas_ready", worker), f"{worker} ready"),
                Query(figures.pods("spec_replicas", worker), f"{worker} wanted", dashed=True),
            )
        ],
    )


def _devices() -> Iterator[Panel]:
    """Of the whole cluster: dcgm-exporter tells of devices, whoever uses them."""
    yield lines(
        "Use",
        "How much of the time a GPU ran anything.",
        "percent",
        [Query("max by (Hostname, gpu) (DCGM_FI_DEV_GPU_UTIL)", _NODE)],
        "GpuNodeIdle",
    )
    used = "max by (Hostname, gpu) (DCGM_FI_DEV_FB_USED)"
    free = "max by (Hostname, gpu) (DCGM_FI_DEV_FB_FREE)"
    yield lines(
        "Memory",
        "Of the GPU itself; a task that needs more fails.",
        "percentunit",
        [Query(f"{used} / ({used} + {free})", _NODE)],
    )
    yield lines(
        "Temperature",
        "A GPU that is too hot runs slower.",
        "celsius",
        [Query("max by (Hostname, gpu) (DCGM_FI_DEV_GPU_TEMP)", _NODE)],
        bounds=((_HOT_C, "orange"),),
    )
    yield lines(
        "Power",
        "What it draws.",
        "watt",
        [Query("max by (Hostname, gpu) (DCGM_FI_DEV_POWER_USAGE)", _NODE)],
    )
    yield lines(
        "Errors",
        "The number of its last XID error; NVIDIA's list says what each means.",
        "none",
        [Query("max by (Hostname, gpu) (DCGM_FI_DEV_XID_ERRORS)", _NODE)],
    )
