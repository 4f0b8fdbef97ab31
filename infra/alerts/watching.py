"""Whether what the other rules read is told at all: a metric that is gone raises no other alert."""

from collections.abc import Iterator

from infra.alerts.nodes import POD_OF_DEPLOYMENT
from infra.alerts.queues import ready
from infra.alerts.rule import Rule, Series, any_of, equal
from infra.models.eks import EksCluster
from infra.models.fleet import FleetConfig
from infra.names import worker_object

_AWAY_S = 900


def watching_rules(config: FleetConfig, series: Series) -> Iterator[Rule]:
    """An alert for each source of figures that the stack's rules use."""
    for worker in config.workers:
        pods = any_of("pod", [worker_object(worker)], POD_OF_DEPLOYMENT)
        answering = series.of("up", equal("container", "worker"), pods)
        told = f"(count({answering} == 1) or vector(0))"
        yield _down(f"worker {worker}", f"{ready(series, [worker])} > {told}")
    yield _down("the broker's figures", f"absent({series.of('redis_up')})")
    yield _down("kube-state-metrics", f"absent({series.of('kube_deployment_created')})")
    yield _down("KEDA", "absent(keda_build_info)")
    if isinstance(config.cluster, EksCluster):
        yield _down("cluster-autoscaler", "absent(cluster_autoscaler_nodes_count)")
        if any(group.gpu for group in config.node_groups.values()):
            gpus = 'sum(kube_node_status_allocatable{resource="nvidia_com_gpu"}) > 0'
            yield _down("dcgm-exporter", f"({gpus}) and on() absent(DCGM_FI_DEV_GPU_UTIL)")


def _down(exporter: str, expression: str) -> Rule:
    return Rule(
        "ExporterDown",
        expression,
        _AWAY_S,
        "ticket",
        f"No figures of {exporter}",
        f"Prometheus has had no figures of {exporter} for 15 minutes: alerts that read them cannot "
        "fire.",
        {"exporter": exporter.removeprefix("the ").replace("'s figures", "").replace(" ", "-")},
    )
