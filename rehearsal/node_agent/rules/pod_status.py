"""A pod's status as the API shows it, computed whole from the node's record."""

from dataclasses import dataclass

from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.model.pod import Condition, Pod
from rehearsal.node_agent.rules.conditions import findings, with_times
from rehearsal.node_agent.rules.phase import pod_phase
from rehearsal.node_agent.rules.records import (
    ContainerRecord,
    PodRecord,
    Running,
    State,
    Terminated,
)
from rehearsal.node_agent.rules.timestamps import rfc3339


@dataclass(frozen=True)
class PodView:
    """What decides a pod's status."""

    pod: Pod
    record: PodRecord
    host_ip: str
    stopping: bool = False
    """The pod is to go: it takes no more traffic."""
    finished: bool = False
    """No container will run again."""


def pod_status(view: PodView, conditions: dict[str, Condition], now: float) -> JsonObject:
    """The status, with the conditions that were reported before as the memory of their times."""
    record = _taken_out_of_service(view.record) if view.stopping else view.record
    phase = pod_phase(record, view.pod.spec.restart_policy, finished=view.finished)
    found = findings(view.pod, record, phase)
    return {
        "phase": phase,
        "conditions": with_times(found, conditions, now),
        "hostIP": view.host_ip,
        "hostIPs": [{"ip": view.host_ip}],
        "podIP": record.ip,
        # Merged by address, a pod that came back with a new one would have two.
        "podIPs": [{"$patch": "replace"}, {"ip": record.ip}],
        "startTime": rfc3339(record.started_at),
        "initContainerStatuses": [_container(c) for c in record.containers if c.init],
        "containerStatuses": [_container(c) for c in record.containers if not c.init],
    }


def _taken_out_of_service(record: PodRecord) -> PodRecord:
    unready = tuple(c.model_copy(update={"ready": False}) for c in record.containers)
    return record.model_copy(update={"containers": unready})


def _container(record: ContainerRecord) -> JsonObject:
    return {
        "name": record.name,
        "image": record.image,
        "imageID": f"rehearsal://{record.image}" if record.container_id else "",
        "containerID": record.container_id,
        "ready": _ready(record),
        "started": record.started,
        "restartCount": record.restart_count,
        "state": _state(record.state),
        "lastState": _state(record.last) if record.last else {},
    }


def _ready(record: ContainerRecord) -> bool:
    # The kubelet calls an init container ready once it has succeeded.
    if record.init:
        return isinstance(record.state, Terminated) and record.state.exit_code == 0
    return record.ready


def _state(state: State) -> JsonObject:
    if isinstance(state, Running):
        return {"running": {"startedAt": rfc3339(state.started_at)}}
    if isinstance(state, Terminated):
        return {"terminated": _terminated(state)}
    return {"waiting": {"reason": state.reason, "message": state.message}}


def _terminated(state: Terminated) -> JsonObject:
    return {
        "exitCode": state.exit_code,
        "signal": state.signal,
        "reason": state.reason,
        "message": state.message,
        "startedAt": rfc3339(state.started_at),
        "finishedAt": rfc3339(state.finished_at),
        "containerID": state.container_id,
    }
