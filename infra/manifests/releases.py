"""What third parties publish: Helm charts with version and values, and one image."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from infra.manifests.aws.node_group import GPU_PRESENT
from infra.manifests.dashboards import DASHBOARD_LABEL, DASHBOARD_LABEL_VALUE, FOLDER_ANNOTATION
from infra.models.agreement import plan
from infra.models.eks import EksCluster
from infra.models.fleet import FleetConfig
from infra.models.flows import MONITORING

ALERTMANAGER_ACCOUNT = "alertmanager"
CLUSTER_AUTOSCALER_ACCOUNT = "cluster-autoscaler"
SYSTEM = "kube-system"
REDIS_EXPORTER_IMAGE = "oliver006/redis_exporter:v1.88.0"
# Until the charts' hooks have run on nodes that are still starting.
TIMEOUT_S = 900


class Release(NamedTuple):
    """One Helm release; its values are written as in the chart's own `values.yaml`."""

    name: str
    chart: str
    repository: str
    version: str
    namespace: str
    values: dict[str, Any]


def releases(config: FleetConfig) -> Iterator[Release]:
    """What this stack installs in its cluster, the metrics stack first: others use its kinds."""
    if config.monitoring.kind == "release":
        yield _metrics()
    if config.keda.kind == "release":
        yield _keda(config)
    cluster = config.cluster
    if isinstance(cluster, EksCluster):
        yield _cluster_autoscaler(config, cluster)
        if any(group.gpu for group in config.node_groups.values()):
            yield _device_plugin(config)
            yield _dcgm_exporter(config)


def _metrics() -> Release:
    """Prometheus and Alertmanager that take rules and monitors of every namespace."""
    anywhere = {
        f"{kind}SelectorNilUsesHelmValues": False
        for kind in ("rule", "serviceMonitor", "podMonitor", "probe")
    }
    claim = {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "50Gi"}},
        }
    }
    # EKS runs these itself and lets no one in.
    hidden = ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy")
    return Release(
        "kube-prometheus-stack",
        "kube-prometheus-stack",
        "https://prometheus-community.github.io/helm-charts",
        "78.5.0",
        MONITORING,
        {
            **{part: {"enabled": False} for part in hidden},
            # Empty: the chart draws one, in place of the well-known default.
            "grafana": {"adminPassword": "", "sidecar": {"dashboards": _found_dashboards()}},
            "alertmanager": {
                # Known before its pod starts, so that a role can be given to it.
                "serviceAccount": {"name": ALERTMANAGER_ACCOUNT},
                "alertmanagerSpec": {
                    # Of every namespace, each for its own namespace's alerts alone.
                    "alertmanagerConfigSelector": {},
                    "alertmanagerConfigNamespaceSelector": {},
                    "alertmanagerConfigMatcherStrategy": {"type": "OnNamespace"},
                    "resources": _resources("50m", "64Mi", "256Mi"),
                },
            },
            "prometheus": {
                "prometheusSpec": {
                    **anywhere,
                    "retention": "15d",
                    "resources": _resources("250m", "1Gi", "2Gi"),
                    "storageSpec": {"volumeClaimTemplate": claim},
                }
            },
        },
    )


def _found_dashboards() -> dict[str, Any]:
    """Grafana's sidecar: every ConfigMap with the label, into the folder that it names."""
    return {
        "enabled": True,
        "label": DASHBOARD_LABEL,
        "labelValue": DASHBOARD_LABEL_VALUE,
        "searchNamespace": "ALL",
        "folderAnnotation": FOLDER_ANNOTATION,
        "provider": {"foldersFromFilesStructure": True},
    }


def _keda(config: FleetConfig) -> Release:
    """KEDA with two operators, of which one leads, and TLS 1.2 at least."""
    watched = config.monitoring.kind == "release"
    metrics = {"enabled": True, "serviceMonitor": {"enabled": watched}}
    return Release(
        "keda",
        "keda",
        "https://kedacore.github.io/charts",
        "2.21.0",
        "keda",
        {
            "operator": {"replicaCount": 2},
            # The API server asks one address; a second adapter would keep a cache of its own.
            "metricsServer": {"replicaCount": 1},
            "podDisruptionBudget": {"operator": {"minAvailable": 1}},
            "priorityClassName": "system-cluster-critical",
            "logging": {
                "operator": {"level": "info", "format": "json"},
                # Its level 1 and above write each answer, keys and all.
                "metricServer": {"level": "0"},
            },
            "http": {"timeout": 3000, "minTlsVersion": "TLS12"},
            "resources": {
                "operator": _resources("100m", "256Mi", "1Gi"),
                "metricServer": _resources("100m", "128Mi", "512Mi"),
                "webhooks": _resources("50m", "64Mi", "128Mi"),
            },
            "prometheus": {"operator": metrics, "metricServer": metrics},
        },
    )


def _cluster_autoscaler(config: FleetConfig, cluster: EksCluster) -> Release:
    """The node autoscaler, of the cluster's own minor version, over this cluster's groups."""
    return Release(
        "cluster-autoscaler",
        "cluster-autoscaler",
        "https://kubernetes.github.io/autoscaler",
        "9.56.0",
        SYSTEM,
        {
            "cloudProvider": "aws",
            "awsRegion": config.region,
            "autoDiscovery": {"clusterName": config.cluster_name},
            "fullnameOverride": "cluster-autoscaler",
            "image": {"tag": f"v{cluster.version}.0"},
            "priorityClassName": "system-cluster-critical",
            "rbac": {"serviceAccount": {"create": True, "name": CLUSTER_AUTOSCALER_ACCOUNT}},
            "resources": _resources("100m", "256Mi", "1Gi"),
            "serviceMonitor": {"enabled": config.monitoring.kind == "release"},
            "extraArgs": {
                "balance-similar-node-groups": True,
                "expander": "least-waste",
                "max-graceful-termination-sec": _longest_grace_s(config),
                "max-node-provision-time": "15m",
                "scale-down-unneeded-time": f"{_longest_idle_s(config)}s",
                # Every pod of the fleet has an emptyDir: no node would ever go.
                "skip-nodes-with-local-storage": False,
                "skip-nodes-with-system-pods": False,
            },
        },
    )


def _device_plugin(config: FleetConfig) -> Release:
    """What tells the kubelet of its GPUs; selects nodes by the label that node groups carry."""
    return Release(
        "nvidia-device-plugin",
        "nvidia-device-plugin",
        "https://nvidia.github.io/k8s-device-plugin",
        "0.17.1",
        SYSTEM,
        {
            "fullnameOverride": "nvidia-device-plugin",
            "tolerations": gpu_tolerations(config),
            # A GPU that is broken is told and not hidden behind a running pod.
            "failOnInitError": True,
            "resources": _resources("50m", "64Mi", "128Mi"),
        },
    )


def _dcgm_exporter(config: FleetConfig) -> Release:
    """Use, memory and errors of each GPU, as metrics."""
    return Release(
        "dcgm-exporter",
        "dcgm-exporter",
        "https://nvidia.github.io/dcgm-exporter/helm-charts",
        "4.8.3",
        MONITORING,
        {
            "fullnameOverride": "dcgm-exporter",
            "nodeSelector": {GPU_PRESENT: "true"},
            "tolerations": gpu_tolerations(config),
            "serviceMonitor": {"enabled": config.monitoring.kind == "release"},
            # With less it is killed while it loads its libraries.
            "resources": _resources("100m", "512Mi", "1Gi"),
        },
    )


def gpu_tolerations(config: FleetConfig) -> list[dict[str, str]]:
    """Let a pod past the taints of every GPU group, each once."""
    taints = {
        (taint.key, taint.value, taint.effect): {
            "key": taint.key,
            "operator": "Equal",
            "value": taint.value,
            "effect": taint.effect,
        }
        for group in config.node_groups.values()
        if group.gpu
        for taint in group.taints
    }
    return list(taints.values())


def _longest_grace_s(config: FleetConfig) -> int:
    """What the autoscaler waits for a pod when it empties a node: as long as any worker may run."""
    return max(plan(config, name).grace_s for name in config.workers)


def _longest_idle_s(config: FleetConfig) -> int:
    return round(max(group.idle_s for group in config.node_groups.values()))


def _resources(cpu: str, memory: str, most_memory: str) -> dict[str, dict[str, str]]:
    """Requests, and a limit of memory only: a throttled controller is a late one."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": most_memory}}
