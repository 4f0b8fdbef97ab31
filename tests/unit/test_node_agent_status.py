"""What the API server is told of pods and nodes."""

from typing import Any

import pytest

from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.model.pod import Condition, Pod, RestartPolicy
from rehearsal.node_agent.rules.node_status import (
    AgentFacts,
    is_ready,
    merged_taints,
    node_object,
    node_status,
    stopped_status,
)
from rehearsal.node_agent.rules.phase import pod_phase
from rehearsal.node_agent.rules.pod_status import PodView, pod_status
from rehearsal.node_agent.rules.records import ContainerRecord, PodRecord, Running, Waiting
from rehearsal.spec import NodeSpec, Taint
from tests.unit.node_agent_pods import ended, pod, record

WAITING = ContainerRecord(name="main", image="a/b:1")
UP = WAITING.runs(Running(pid=7, create_time=1.0, started_at=1001.0), "rehearsal://1", started=True)
READY = UP.probed(ready=True, started=True)
CRASHED = UP.ends(ended(1))
BACKING_OFF = CRASHED.waits("CrashLoopBackOff", "back-off 10s")
DONE = UP.ends(ended(0))
INIT = ContainerRecord(name="init", image="a/b:1", init=True)
GPU_NODE = NodeSpec(
    name="gpu-1",
    capacity={"cpu": "8", "nvidia.com/gpu": "1"},
    labels={"pool": "gpu"},
    taints=(Taint(key="nvidia.com/gpu", value="true"),),
)
AGENT = AgentFacts(port=10250, version="v1.36.3+rehearsal")


@pytest.mark.parametrize(
    ("containers", "policy", "phase"),
    [
        ((WAITING,), "Always", "Pending"),
        ((UP,), "Always", "Running"),
        ((UP, WAITING), "Always", "Pending"),
        ((CRASHED,), "Always", "Running"),
        ((BACKING_OFF,), "Always", "Running"),
        ((DONE,), "Always", "Running"),
        ((DONE,), "OnFailure", "Succeeded"),
        ((CRASHED,), "OnFailure", "Running"),
        ((CRASHED,), "Never", "Failed"),
        ((DONE, CRASHED), "Never", "Failed"),
        ((DONE, UP), "Never", "Running"),
        ((INIT, WAITING), "Always", "Pending"),
        ((INIT.ends(ended(1)), WAITING), "Always", "Pending"),
        ((INIT.ends(ended(1)), WAITING), "Never", "Failed"),
        ((INIT.ends(ended(0)), UP), "Always", "Running"),
    ],
)
def test_the_phase_follows_the_containers(
    containers: tuple[ContainerRecord, ...], policy: RestartPolicy, phase: str
) -> None:
    assert pod_phase(record(*containers), policy, finished=False) == phase


@pytest.mark.parametrize(
    ("state", "phase"), [(DONE, "Succeeded"), (CRASHED, "Failed"), (WAITING, "Failed")]
)
def test_a_pod_that_has_gone_is_over_whatever_its_policy(
    state: ContainerRecord, phase: str
) -> None:
    assert pod_phase(record(state), "Always", finished=True) == phase


def status(
    found: PodRecord, of: Pod | None = None, *, before: JsonObject | None = None, **view: Any
) -> JsonObject:
    told = (before or {}).get("conditions", [])
    conditions = {c["type"]: Condition.model_validate(c) for c in told}
    shown = PodView(of or pod(), found, "127.0.0.1", **view)
    return pod_status(shown, conditions, now=2000.0)


def condition(found: JsonObject, kind: str) -> JsonObject:
    return next(c for c in found["conditions"] if c["type"] == kind)


def test_a_pod_is_ready_when_all_its_containers_are() -> None:
    assert condition(status(record(READY)), "Ready")["status"] == "True"
    found = status(record(READY, UP.model_copy(update={"name": "side"})))

    assert condition(found, "Ready")["status"] == "False"
    assert condition(found, "ContainersReady")["message"].endswith("[side]")


def test_a_pod_that_is_to_go_takes_no_more_traffic() -> None:
    found = status(record(READY), stopping=True)

    assert condition(found, "Ready")["status"] == "False"
    assert not found["containerStatuses"][0]["ready"]


def test_a_readiness_gate_holds_the_pod_back_until_its_condition_is_true() -> None:
    gated = pod(readinessGates=[{"conditionType": "fleet/registered"}])
    met = gated.model_copy(
        update={
            "status": gated.status.model_copy(
                update={"conditions": (Condition(type="fleet/registered", status="True"),)}
            )
        }
    )

    assert condition(status(record(READY), gated), "Ready")["status"] == "False"
    assert condition(status(record(READY), met), "Ready")["status"] == "True"


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    before = {
        "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
            {"type": "ContainersReady", "status": "False", "lastTransitionTime": "2026-01-01"},
        ]
    }

    found = status(record(READY), before=before)

    assert condition(found, "Ready")["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert condition(found, "ContainersReady")["lastTransitionTime"] == "1970-01-01T00:33:20Z"


def test_a_crash_shows_its_reason_its_end_and_its_restarts() -> None:
    again = BACKING_OFF.runs(
        Running(pid=8, create_time=2.0, started_at=1020.0), "rehearsal://2", started=True
    )

    waiting, running = status(record(BACKING_OFF, again))["containerStatuses"]

    assert waiting["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert waiting["lastState"]["terminated"]["exitCode"] == 1
    assert running["state"] == {"running": {"startedAt": "1970-01-01T00:17:00Z"}}
    assert running["restartCount"] == 1


def test_init_containers_are_told_apart() -> None:
    found = status(record(INIT.ends(ended(0)), UP))

    assert [c["name"] for c in found["initContainerStatuses"]] == ["init"]
    assert found["initContainerStatuses"][0]["ready"]
    assert [c["name"] for c in found["containerStatuses"]] == ["main"]
    assert condition(found, "Initialized")["status"] == "True"
    assert condition(status(record(INIT, WAITING)), "Initialized")["status"] == "False"


def test_a_completed_pod_is_not_ready_because_it_is_completed() -> None:
    found = status(record(DONE), pod(restartPolicy="Never"))

    assert found["phase"] == "Succeeded"
    assert condition(found, "Ready")["reason"] == "PodCompleted"


def test_the_reason_for_waiting_reaches_the_user() -> None:
    held = WAITING.waits("ErrImagePull", "it knows: a/b")

    state = status(record(held))["containerStatuses"][0]["state"]

    assert state == {"waiting": {"reason": "ErrImagePull", "message": "it knows: a/b"}}
    assert isinstance(held.state, Waiting)


def test_a_node_offers_what_its_spec_declares() -> None:
    found = node_status(GPU_NODE, AGENT, (), now=2000.0)
    labels = node_object(GPU_NODE)["metadata"]["labels"]

    assert found["allocatable"] == {"pods": "110", "cpu": "8", "nvidia.com/gpu": "1"}
    assert found["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert labels["kubernetes.io/hostname"] == "gpu-1"
    assert labels["pool"] == "gpu"
    assert labels["celery-fleet.dev/stand-in"] == "node-agent"
    assert is_ready({"status": found})


def test_a_node_whose_agent_stopped_is_not_ready_from_then_on() -> None:
    up = node_status(GPU_NODE, AGENT, (), now=1000.0)

    down = stopped_status(up["conditions"], now=2000.0)
    again = node_status(GPU_NODE, AGENT, up["conditions"], now=2000.0)

    assert not is_ready({"status": down})
    assert condition(down, "Ready")["lastTransitionTime"] == "1970-01-01T00:33:20Z"
    assert condition(again, "Ready")["lastTransitionTime"] == "1970-01-01T00:16:40Z"


def test_the_systems_own_taints_outlive_a_new_declaration() -> None:
    existing = [
        {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
        {"key": "old", "effect": "NoSchedule"},
    ]

    assert [taint["key"] for taint in merged_taints(GPU_NODE, existing)] == [
        "nvidia.com/gpu",
        "node.kubernetes.io/not-ready",
    ]


def test_a_pod_that_comes_back_with_another_address_reports_that_one_alone() -> None:
    status = pod_status(PodView(pod(), record(READY), "127.0.0.1"), {}, now=1000.0)

    # A strategic merge keeps what was reported before, unless told to replace it.
    assert status["podIPs"] == [{"$patch": "replace"}, {"ip": status["podIP"]}]
