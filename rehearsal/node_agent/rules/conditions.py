"""A pod's conditions; a condition keeps its transition time until its status changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.model.pod import Condition, Pod
from rehearsal.node_agent.rules.phase import Phase, initialised
from rehearsal.node_agent.rules.records import PodRecord
from rehearsal.node_agent.rules.timestamps import rfc3339


@dataclass(frozen=True)
class Finding:
    """A condition as it stands now, before it is compared with how it stood."""

    type: str
    met: bool
    reason: str = ""
    message: str = ""


def findings(pod: Pod, record: PodRecord, phase: Phase) -> list[Finding]:
    containers = _containers_ready(record, phase)
    return [
        Finding("PodScheduled", met=True),
        _initialised(record, phase),
        containers,
        _ready(pod, containers),
    ]


def with_times(
    found: Iterable[Finding], before: Mapping[str, Condition], now: float
) -> list[JsonObject]:
    """The conditions in the API's form."""
    return [_as_json(finding, before.get(finding.type), now) for finding in found]


def _initialised(record: PodRecord, phase: Phase) -> Finding:
    if initialised(record):
        completed = "PodCompleted" if phase == "Succeeded" else ""
        return Finding("Initialized", met=True, reason=completed)
    waiting = [c.name for c in record.containers if c.init]
    message = f"containers with incomplete status: [{' '.join(waiting)}]"
    return Finding("Initialized", met=False, reason="ContainersNotInitialized", message=message)


def _containers_ready(record: PodRecord, phase: Phase) -> Finding:
    if phase in {"Succeeded", "Failed"}:
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        return Finding("ContainersReady", met=False, reason=reason)
    unready = [c.name for c in record.containers if not c.init and not c.ready]
    if not unready:
        return Finding("ContainersReady", met=True)
    message = f"containers with unready status: [{' '.join(unready)}]"
    return Finding("ContainersReady", met=False, reason="ContainersNotReady", message=message)


def _ready(pod: Pod, containers: Finding) -> Finding:
    if not containers.met:
        return Finding("Ready", met=False, reason=containers.reason, message=containers.message)
    met = {c.type for c in pod.status.conditions if c.status == "True"}
    unmet = [g.condition_type for g in pod.spec.readiness_gates if g.condition_type not in met]
    if unmet:
        message = f"readiness gates not met: {', '.join(unmet)}"
        return Finding("Ready", met=False, reason="ReadinessGatesNotReady", message=message)
    return Finding("Ready", met=True)


def _as_json(finding: Finding, before: Condition | None, now: float) -> JsonObject:
    status = "True" if finding.met else "False"
    unchanged = before is not None and before.status == status
    time = before.last_transition_time if before and unchanged else None
    return {
        "type": finding.type,
        "status": status,
        "reason": finding.reason or None,
        "message": finding.message or None,
        "lastTransitionTime": time or rfc3339(now),
    }
