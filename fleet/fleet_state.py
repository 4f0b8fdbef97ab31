"""What the cluster says about a fleet: its workers, beat, janitor, API and pods."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fleet.kubernetes import Cluster, Object, condition
from infra import names
from infra.manifests.labels import WORKER_LABEL

_PAUSED = ("autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas")


@dataclass(frozen=True)
class Replicas:
    """Pods of one Deployment."""

    ready: int
    desired: int
    settled: bool
    """Whether the newest revision is fully rolled out."""


@dataclass(frozen=True)
class WorkerState:
    """One kind of worker and its scaler."""

    name: str
    queues: tuple[str, ...]
    replicas: Replicas
    min_replicas: int
    max_replicas: int
    paused: bool
    scaler_problem: str | None
    """Why KEDA cannot scale it; None while it can."""


@dataclass(frozen=True)
class Alert:
    """When a queue's backlog is worth telling someone: more than `pending`, for so long."""

    pending: int
    for_minutes: int


@dataclass(frozen=True)
class FleetState:
    """A fleet as one moment's reads show it."""

    workers: tuple[WorkerState, ...]
    beat: Replicas | None
    api: Replicas | None
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    """By queue."""
    janitor: Replicas | None = None

    @property
    def singles(self) -> dict[str, Replicas | None]:
        """Every Deployment that is no worker's, by name; None where it does not exist."""
        return {names.API: self.api, names.BEAT: self.beat, names.JANITOR: self.janitor}


@dataclass(frozen=True)
class PodTrouble:
    """A container that does not run as it should."""

    pod: str
    reason: str
    restarts: int


def read(cluster: Cluster, namespace: str) -> FleetState:
    """Read the fleet; parts that do not exist (yet) are left out."""
    found = cluster.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
    deployments = {item["metadata"]["name"]: _replicas(item) for item in found}
    settings = _settings(cluster, namespace)
    queues = {name: tuple(entry["queues"]) for name, entry in settings["workers"].items()}
    scalers = cluster.items(f"/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects")
    workers = [_worker(scaler, deployments, queues) for scaler in scalers]
    return FleetState(
        workers=tuple(sorted((w for w in workers if w is not None), key=lambda w: w.name)),
        beat=deployments.get(names.BEAT),
        api=deployments.get(names.API),
        janitor=deployments.get(names.JANITOR),
        alerts=dict(_alerts(settings["queues"])),
    )


def troubled_pods(cluster: Cluster, namespace: str) -> list[PodTrouble]:
    """Return the containers that wait for something else than their start."""
    pods = cluster.items(f"/api/v1/namespaces/{namespace}/pods")
    return [trouble for pod in pods if (trouble := _trouble(pod)) is not None]


def worker_replicas(cluster: Cluster, namespace: str, worker: str) -> Replicas | None:
    """Return the replicas of one worker."""
    name = names.worker_object(worker)
    found = cluster.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    return None if found is None else _replicas(found)


def _replicas(deployment: Object) -> Replicas:
    status, metadata = deployment.get("status") or {}, deployment["metadata"]
    desired = int(deployment["spec"].get("replicas", 1))
    ready = int(status.get("readyReplicas") or 0)
    seen = status.get("observedGeneration", 0) >= metadata.get("generation", 0)
    updated = int(status.get("updatedReplicas") or 0)
    settled = seen and updated == desired == int(status.get("replicas") or 0) and ready >= desired
    return Replicas(ready, desired, settled)


def _settings(cluster: Cluster, namespace: str) -> Object:
    """What the image was told: settings.json; nothing where it is not deployed."""
    found = cluster.get(f"/api/v1/namespaces/{namespace}/configmaps/{names.SETTINGS}")
    if found is None:
        return {"queues": {}, "workers": {}}
    settings: Object = json.loads(found["data"]["settings.json"])
    return settings


def _alerts(queues: Mapping[str, Object]) -> Iterator[tuple[str, Alert]]:
    for name, queue in queues.items():
        # A fleet that an older program deployed was told none.
        if (alert := queue.get("alert")) is not None:
            yield name, Alert(int(alert["pending"]), int(alert["forMinutes"]))


def _worker(
    scaler: Object, deployments: Mapping[str, Replicas], queues: Mapping[str, tuple[str, ...]]
) -> WorkerState | None:
    metadata, spec = scaler["metadata"], scaler["spec"]
    name = (metadata.get("labels") or {}).get(WORKER_LABEL)
    replicas = deployments.get(spec["scaleTargetRef"]["name"])
    if name is None or replicas is None:
        return None
    ready = condition(scaler, "Ready")
    problem = ready.get("message") or "KEDA has not looked at it yet"
    return WorkerState(
        name=name,
        queues=queues.get(name, ()),
        replicas=replicas,
        min_replicas=int(spec.get("minReplicaCount", 0)),
        max_replicas=int(spec.get("maxReplicaCount", 100)),
        paused=any(key in (metadata.get("annotations") or {}) for key in _PAUSED),
        scaler_problem=None if ready.get("status") == "True" else str(problem),
    )


def _trouble(pod: Object) -> PodTrouble | None:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        if reason and reason != "ContainerCreating":
            told = f"{reason}: {waiting.get('message', '')}".rstrip(": ")
            return PodTrouble(name, told, int(container.get("restartCount", 0)))
    unplaced = condition(pod, "PodScheduled")
    if unplaced.get("status") == "False":
        return PodTrouble(name, f"not placed: {unplaced.get('message', '')}", 0)
    return None
