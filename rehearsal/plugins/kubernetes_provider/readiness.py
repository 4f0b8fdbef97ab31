"""Decides from a live object whether what was asked for has come about.

The rules are the official provider's, save that a Service or Ingress is not waited for: in a fleet
that scales to zero it may have no endpoints for hours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rehearsal.plugins.kubernetes_provider.objects import Kind, Manifest, at, mapping, text


@dataclass(frozen=True)
class Progress:
    """How far an object is; `failed` ends the wait at once."""

    is_ready: bool
    told: str = ""
    """What is still missing, for the person who waits."""
    failed: bool = False


STORAGE_CLASS = Kind("storage.k8s.io", "v1", "StorageClass")
READY = Progress(is_ready=True)
Judge = Callable[[Manifest], Progress]


def condition(live: object, name: str) -> Mapping[str, object]:
    """The status condition of that type; empty when there is none."""
    conditions = at(live, "status", "conditions")
    for entry in conditions if isinstance(conditions, list) else []:
        if mapping(entry).get("type") == name:
            return mapping(entry)
    return {}


def is_true(live: object, name: str) -> bool:
    return condition(live, name).get("status") == "True"


def number(value: object, otherwise: int = 0) -> int:
    return value if isinstance(value, int) else otherwise


def is_observed(live: Manifest) -> bool:
    """Whether the status is of the newest spec, not yet of an older one."""
    generation = number(at(live, "metadata", "generation"))
    return number(at(live, "status", "observedGeneration")) >= generation


def deployment(live: Manifest) -> Progress:
    if not is_observed(live):
        return Progress(is_ready=False, told="waiting for the Deployment controller")
    wanted = number(at(live, "spec", "replicas"), otherwise=1)
    updated = number(at(live, "status", "updatedReplicas"))
    available = number(at(live, "status", "availableReplicas"))
    refused = condition(live, "ReplicaFailure")
    progressing = condition(live, "Progressing")
    is_rolled_out = progressing.get("reason") == "NewReplicaSetAvailable"
    if is_rolled_out and updated >= wanted and (is_true(live, "Available") or not wanted):
        return READY
    told = f"{min(updated, available)} of {wanted} updated pods available"
    for entry in (refused, progressing):
        if entry.get("reason") in ("FailedCreate", "ProgressDeadlineExceeded"):
            told += f"; {entry['reason']}: {entry.get('message')}"
    return Progress(is_ready=False, told=told)


def stateful_set(live: Manifest) -> Progress:
    wanted = number(at(live, "spec", "replicas"), otherwise=1)
    ready = number(at(live, "status", "readyReplicas"))
    status = mapping(live.get("status"))
    is_rolled_out = status.get("currentRevision") == status.get("updateRevision")
    if is_observed(live) and is_rolled_out and ready >= wanted:
        return READY
    return Progress(is_ready=False, told=f"{ready} of {wanted} pods ready")


def daemon_set(live: Manifest) -> Progress:
    status = mapping(live.get("status"))
    wanted, available, updated = (
        number(status.get(field))
        for field in ("desiredNumberScheduled", "numberAvailable", "updatedNumberScheduled")
    )
    if is_observed(live) and min(available, updated) >= wanted:
        return READY
    return Progress(is_ready=False, told=f"{available} of {wanted} pods available")


def job(live: Manifest) -> Progress:
    failed = condition(live, "Failed")
    if failed.get("status") == "True":
        told = f"the Job failed: {failed.get('reason')}: {failed.get('message')}"
        return Progress(is_ready=False, told=told, failed=True)
    if is_true(live, "Complete"):
        return READY
    return Progress(is_ready=False, told="the Job has not completed")


def pod(live: Manifest) -> Progress:
    phase = text(at(live, "status", "phase"))
    if phase == "Succeeded" or is_true(live, "Ready"):
        return READY
    told = "; ".join(pod_troubles(live)) or f"the pod is {phase or 'not seen by a node'}"
    return Progress(is_ready=False, told=told, failed=phase == "Failed")


def phase(*good: str) -> Judge:
    """Wait until `status.phase` is one of `good`."""

    def judge(live: Manifest) -> Progress:
        now = text(at(live, "status", "phase"))
        return READY if now in good else Progress(is_ready=False, told=f"it is {now or 'new'}")

    return judge


def definition(live: Manifest) -> Progress:
    if is_true(live, "Established"):
        return READY
    return Progress(is_ready=False, told="the API server does not serve the new kind yet")


def named_condition(name: str, status: str) -> Judge:
    """Wait until the condition `name` has that status (annotation pulumi.com/waitFor)."""

    def judge(live: Manifest) -> Progress:
        found = condition(live, name)
        if text(found.get("status")).lower() == status.lower():
            return READY
        return Progress(
            is_ready=False, told=f"condition {name} is {found.get('status', 'not set')}"
        )

    return judge


JUDGES: Mapping[tuple[str, str], Judge] = {
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("apps", "DaemonSet"): daemon_set,
    ("batch", "Job"): job,
    ("", "Pod"): pod,
    ("", "Namespace"): phase("Active"),
    ("", "PersistentVolume"): phase("Available", "Bound"),
    ("", "PersistentVolumeClaim"): phase("Bound"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definition,
}


def judge_of(kind: Kind) -> Judge | None:
    """The kind's judge; None where nothing is waited for."""
    return JUDGES.get((kind.group, kind.name))


def pod_troubles(live: object) -> list[str]:
    """Why a pod is not ready: not scheduled, containers waiting or ended, in Kubernetes' words."""
    name = text(at(live, "metadata", "name"))
    scheduled = condition(live, "PodScheduled")
    troubles = []
    if scheduled.get("status") == "False":
        troubles.append(f"pod {name}: {scheduled.get('reason')}: {scheduled.get('message')}")
    for field in ("initContainerStatuses", "containerStatuses"):
        statuses = at(live, "status", field)
        for status in statuses if isinstance(statuses, list) else []:
            trouble = _container_trouble(status)
            if trouble:
                troubles.append(f"pod {name}, container {mapping(status).get('name')}: {trouble}")
    return troubles


def _container_trouble(status: object) -> str:
    waiting = mapping(at(status, "state", "waiting"))
    ended = mapping(at(status, "state", "terminated")) or mapping(
        at(status, "lastState", "terminated")
    )
    parts = []
    if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
        parts.append(": ".join(filter(None, map(text, map(waiting.get, ("reason", "message"))))))
    if number(ended.get("exitCode")):
        parts.append(f"ended with code {ended['exitCode']} ({ended.get('reason', 'Error')})")
    return ", ".join(parts)
