"""The fleet's pods: one Deployment per worker, one beat, one janitor, the HTTP API."""

from infra import names
from infra.manifests import Manifest
from infra.manifests.container import (
    DATA_DIR,
    HEARTBEAT_MAX_AGE_S,
    container,
    from_secret,
    heartbeat_probe,
    measured,
    volumes,
)
from infra.manifests.labels import Component, labels, selector
from infra.manifests.own_pod import SERVICE_ACCOUNT_DIR
from infra.manifests.restricted import restricted_pod
from infra.manifests.settings import settings_checksum
from infra.models.agreement import plan
from infra.models.cluster import NodeGroupSpec
from infra.models.fleet import FleetConfig
from infra.models.worker import Compute, Resources
from infra.sizing.limits import time_limit_s
from infra.sizing.replacement import tasks_per_child

NODE_GROUP_LABEL = "celery-fleet.dev/node-group"
SETTINGS_CHECKSUM = "celery-fleet.dev/settings-checksum"
_APP = "worker_image.app"
_BEAT_GRACE_S = 15
_JANITOR_GRACE_S = 5
_API_GRACE_S = 30
# It holds 60 MiB, whatever the fleet.
_JANITOR = Resources(
    requests=Compute(cpu="25m", memory="96Mi"), limits=Compute(cpu="250m", memory="192Mi")
)


def worker_deployment(config: FleetConfig, name: str) -> Manifest:
    """Spec of a worker's Deployment; no `replicas`, which are KEDA's."""
    worker = config.workers[name]
    main = measured(container(config, "worker", worker_command(config, name), worker.resources))
    grace_s = plan(config, name).grace_s
    main["env"] += [
        {"name": "FLEET_WORKER", "value": name},
        {"name": "FLEET_GRACE_SECONDS", "value": str(grace_s)},
    ]
    main |= _worker_probes(config, name)
    template = _template(config, "worker", main, grace_s, name)
    if worker.pod_deletion_cost:
        main["env"].append({"name": "FLEET_SERVICE_ACCOUNT_DIR", "value": SERVICE_ACCOUNT_DIR})
        template["spec"] |= {
            "serviceAccountName": names.worker_object(name),
            "automountServiceAccountToken": True,
        }
    group = config.node_groups[worker.node_group]
    # A GPU may be the only one: the old pod has to go before the new one can come.
    surge = {"maxSurge": 0, "maxUnavailable": 1} if group.gpu else {"maxSurge": 1}
    return {
        "selector": {"matchLabels": selector(config.namespace, "worker", name)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0} | surge},
        "revisionHistoryLimit": 3,
        "template": template,
    }


def worker_command(config: FleetConfig, name: str) -> list[str]:
    """The `celery worker` command line, in exec form: Celery itself gets SIGTERM.

    `$(POD_NAME)` is the host name that `%h` would give inside a pod.
    """
    worker = config.workers[name]
    queues = [config.queues[queue] for queue in worker.queues]
    tasks, memory = tasks_per_child(worker, queues), worker.max_memory_per_child
    return [
        "celery",
        f"--app={_APP}",
        "worker",
        f"--queues={','.join(worker.queues)}",
        f"--hostname={names.node_name(name, worker.node_name)}@$(POD_NAME)",
        f"--pool={worker.pool}",
        f"--concurrency={worker.concurrency}",
        f"--prefetch-multiplier={worker.prefetch_multiplier}",
        *([] if worker.takes_ahead else ["--disable-prefetch"]),
        "-O",
        "fair",
        "--without-gossip",
        "--without-mingle",
        f"--soft-time-limit={max(q.soft_time_limit_s for q in queues)}",
        f"--time-limit={max(q.time_limit_s for q in queues)}",
        *([f"--max-tasks-per-child={tasks}"] if tasks is not None else []),
        *([f"--max-memory-per-child={memory}"] if memory is not None else []),
        "--loglevel=INFO",
    ]


def _worker_probes(config: FleetConfig, name: str) -> Manifest:
    """Probes of the heartbeat; pool solo runs its tasks in the loop that beats."""
    worker, age_s = config.workers[name], HEARTBEAT_MAX_AGE_S
    if worker.pool == "solo":
        age_s += time_limit_s([config.queues[queue] for queue in worker.queues])
    return {
        "startupProbe": heartbeat_probe(period_s=1, failures=60),
        "readinessProbe": heartbeat_probe(period_s=10, failures=3, max_age_s=age_s),
        "livenessProbe": heartbeat_probe(period_s=20, failures=3, max_age_s=age_s),
    }


def beat_deployment(config: FleetConfig) -> Manifest:
    """Spec of the one beat."""
    command = ["celery", f"--app={_APP}", "beat", "--loglevel=INFO"]
    return _one_replica(config, "beat", command, config.beat.resources, _BEAT_GRACE_S)


def janitor_deployment(config: FleetConfig) -> Manifest:
    """Spec of the one janitor; a second would do no harm, and nothing that the first does not."""
    command = ["python", "-m", "worker_image.janitor"]
    return _one_replica(config, "janitor", command, _JANITOR, _JANITOR_GRACE_S)


def _one_replica(
    config: FleetConfig,
    component: Component,
    command: list[str],
    resources: Resources,
    grace_s: int,
) -> Manifest:
    """Spec of a Deployment of one pod; `Recreate`, so that two never run side by side."""
    main = measured(container(config, component, command, resources))
    main |= {
        "startupProbe": heartbeat_probe(period_s=1, failures=60),
        "livenessProbe": heartbeat_probe(period_s=20, failures=3),
    }
    return {
        "replicas": 1,
        "selector": {"matchLabels": selector(config.namespace, component)},
        "strategy": {"type": "Recreate"},
        "revisionHistoryLimit": 3,
        "template": _template(config, component, main, grace_s),
    }


def api_deployment(config: FleetConfig) -> Manifest:
    """Spec of the HTTP API; ready only while it answers."""
    command = ["uvicorn", "worker_image.api:app", "--host=$(POD_IP)", "--no-access-log"]
    command.append(f"--port={config.api.port}")
    main = container(config, "api", command, config.api.resources)
    main["env"].append(from_secret("FLEET_API_TOKEN", names.API_TOKEN, "token"))
    if config.api.outbox:
        # On the shared claim: a file outlives its pod, and another pod takes it over.
        main["env"].append({"name": "FLEET_OUTBOX_DIR", "value": f"{DATA_DIR}/outbox"})
    healthz = {"httpGet": {"path": "/healthz", "port": "http"}}
    main |= {
        "ports": [{"name": "http", "containerPort": config.api.port, "protocol": "TCP"}],
        "startupProbe": healthz | {"periodSeconds": 1, "failureThreshold": 60},
        "readinessProbe": healthz | {"periodSeconds": 5},
        "livenessProbe": healthz | {"periodSeconds": 20, "timeoutSeconds": 5},
    }
    return {
        "replicas": config.api.replicas,
        "selector": {"matchLabels": selector(config.namespace, "api")},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "revisionHistoryLimit": 3,
        "template": _template(config, "api", main, _API_GRACE_S),
    }


def _template(
    config: FleetConfig,
    component: Component,
    main: Manifest,
    grace_s: int,
    worker: str | None = None,
) -> Manifest:
    queues, placement = list(config.queues), {}
    if worker is not None:
        queues, node_group = list(config.workers[worker].queues), config.workers[worker].node_group
        placement = _placement(node_group, config.node_groups[node_group])
    return {
        "metadata": {
            "labels": labels(config.namespace, component, worker),
            "annotations": {SETTINGS_CHECKSUM: settings_checksum(config, queues, component)},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            # A process that is not PID 1 gets SIGTERM even before it has set a handler, and the
            # pause container reaps what it leaves.
            "shareProcessNamespace": True,
            "containers": [main],
            "securityContext": restricted_pod(),
            "terminationGracePeriodSeconds": grace_s,
            "volumes": volumes(config),
            **placement,
        },
    }


def _placement(name: str, group: NodeGroupSpec) -> Manifest:
    """Keep a worker on its node group, and let it past the group's taints."""
    tolerations = [
        {"key": t.key, "operator": "Equal", "value": t.value, "effect": t.effect}
        for t in group.taints
    ]
    selector = {"nodeSelector": {NODE_GROUP_LABEL: name}}
    return selector | ({"tolerations": tolerations} if tolerations else {})
