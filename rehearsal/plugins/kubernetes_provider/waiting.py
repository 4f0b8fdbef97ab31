"""Waits for objects to become ready, or to be gone, and tells what they wait for meanwhile."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider import readiness
from rehearsal.plugins.kubernetes_provider.cluster import Cluster
from rehearsal.plugins.kubernetes_provider.objects import (
    SKIP_AWAIT,
    TIMEOUT_SECONDS,
    WAIT_FOR,
    Manifest,
    ObjectName,
    annotations,
    at,
    is_annotated,
    mapping,
    text,
)
from rehearsal.plugins.kubernetes_provider.readiness import Judge, Progress

# The official provider's default for every wait.
DEFAULT_TIMEOUT_S = 600.0
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
WORKLOADS = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"}


class NotReadyError(Exception):
    """The object is there, but not as it should be; its reasons are the API server's."""

    def __init__(self, reasons: list[str], live: Manifest) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons
        self.live = live


@dataclass(frozen=True)
class Wait:
    """One wait: for what, how long, and where to tell what is going on."""

    cluster: Cluster
    target: ObjectName
    timeout_s: float
    tell: Callable[[str], None]


def timeout_s(requested_s: float, manifest: Manifest) -> float:
    """`customTimeouts`, else the annotation, else the default."""
    annotated = text(annotations(manifest).get(TIMEOUT_SECONDS))
    if requested_s:
        return requested_s
    return float(annotated) if annotated.isdecimal() else DEFAULT_TIMEOUT_S


def judge(manifest: Manifest, target: ObjectName) -> Judge | None:
    """What decides that the object is ready; None to wait for nothing."""
    if is_annotated(manifest, SKIP_AWAIT):
        return None
    wanted = text(annotations(manifest).get(WAIT_FOR))
    if not wanted:
        return readiness.judge_of(target.kind)
    name, _, status = wanted.removeprefix("condition=").partition("=")
    if not wanted.startswith("condition="):
        raise RehearsalError(
            f"{target} is annotated with {WAIT_FOR}: {wanted}",
            "this stand-in for pulumi-resource-kubernetes waits for `condition=NAME[=STATUS]` only",
            "wait for a condition, or install the official Kubernetes plugin",
        )
    return readiness.named_condition(name, status or "True")


def until_ready(wait: Wait, is_ready: Judge, live: Manifest) -> Manifest:
    """The live object once it is ready; NotReadyError when time is up or it cannot be any more."""
    for _ in _pauses(wait):
        progress = is_ready(live)
        if progress.is_ready or _binds_later(wait, live):
            return live
        troubles = _troubles(wait, live)
        if progress.failed:
            raise NotReadyError([progress.told, *troubles], live)
        wait.tell("; ".join([progress.told, *troubles[:1]]))
        now = wait.cluster.get(wait.target)
        if now is None:
            raise NotReadyError([f"{wait.target} was deleted while it was waited for"], live)
        live = now
    progress = is_ready(live)
    if progress.is_ready:
        return live
    raise NotReadyError([_ended(wait, progress), *_troubles(wait, live)], live)


def until_gone(wait: Wait, uid: str) -> None:
    """Return once no object of that UID is left; RehearsalError says what holds it."""
    held: list[str] = []
    for _ in _pauses(wait):
        live = wait.cluster.get(wait.target)
        if live is None or (uid and at(live, "metadata", "uid") != uid):
            return
        held = _holders(wait, live)
        wait.tell("waiting for deletion: " + "; ".join(held))
    is_cancelled = wait.cluster.cancelled.is_set()
    ended = "the command was cancelled" if is_cancelled else f"{wait.timeout_s:g} s are over"
    raise RehearsalError(
        f"{wait.target} is still there",
        f"{ended} while it was held by {'; '.join(held)}",
        "mend what holds it, then run the command again; `customTimeouts` sets the time",
    )


def _pauses(wait: Wait) -> Iterator[None]:
    """Yield until time is up or the command is cancelled, at growing intervals."""
    deadline, pause_s = time.monotonic() + wait.timeout_s, FIRST_PAUSE_S
    while True:
        yield
        left_s = deadline - time.monotonic()
        if left_s <= 0 or wait.cluster.cancelled.wait(min(pause_s, left_s)):
            return
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _ended(wait: Wait, progress: Progress) -> str:
    if wait.cluster.cancelled.is_set():
        return f"cancelled while waiting: {progress.told}"
    return f"not ready after {wait.timeout_s:g} s: {progress.told}"


def _troubles(wait: Wait, live: Manifest) -> list[str]:
    """What the pods of a workload complain of."""
    if wait.target.kind.name not in WORKLOADS:
        return []
    pods = [pod for pod in _pods(wait, live) if not readiness.is_true(pod, "Ready")]
    return [trouble for pod in pods for trouble in readiness.pod_troubles(pod)]


def _pods(wait: Wait, live: Manifest) -> list[Manifest]:
    labels = mapping(at(live, "spec", "selector", "matchLabels"))
    if not labels:
        return []
    selector = {key: text(value) for key, value in labels.items()}
    return wait.cluster.pods(wait.target.namespace, selector)


def _binds_later(wait: Wait, live: Manifest) -> bool:
    """Whether a claim stays Pending until a pod uses it, by its StorageClass."""
    storage_class = text(at(live, "spec", "storageClassName"))
    if wait.target.kind.name != "PersistentVolumeClaim" or not storage_class:
        return False
    kind = readiness.STORAGE_CLASS
    found = wait.cluster.get(ObjectName(kind, "", storage_class)) or {}
    is_pending = at(live, "status", "phase") == "Pending"
    return is_pending and found.get("volumeBindingMode") == "WaitForFirstConsumer"


def _holders(wait: Wait, live: Manifest) -> list[str]:
    """What keeps an object that is being deleted: finalizers, a namespace's content, pods."""
    finalizers = at(live, "metadata", "finalizers")
    names = [str(item) for item in finalizers] if isinstance(finalizers, list) else []
    held = [f"finalizers {', '.join(names)}"] if names else []
    if wait.target.kind.name == "Namespace":
        remaining = ("NamespaceContentRemaining", "NamespaceFinalizersRemaining")
        told = [name for name in remaining if readiness.is_true(live, name)]
        held += [text(readiness.condition(live, name).get("message")) for name in told]
    if wait.target.kind.name in WORKLOADS:
        pods = [text(at(pod, "metadata", "name")) for pod in _pods(wait, live)]
        held += [f"{len(pods)} pods ({', '.join(pods[:3])})"] if pods else []
    return held or ["the API server"]
