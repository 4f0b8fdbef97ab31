"""When an object counts as ready, and what is told while it is not."""

from typing import Any

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider import readiness, waiting
from rehearsal.plugins.kubernetes_provider.objects import Kind, ObjectName

DEPLOYMENT = ObjectName(Kind("apps", "v1", "Deployment"), "team", "worker")


def deployment(**status: Any) -> dict[str, object]:
    done = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
    usual = {
        "observedGeneration": 2,
        "updatedReplicas": 3,
        "availableReplicas": 3,
        "conditions": [done, {"type": "Available", "status": "True"}],
    }
    return {"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": usual | status}


def test_a_deployment_is_ready_once_its_newest_pods_are_available() -> None:
    assert readiness.deployment(deployment()).is_ready


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 1},
        {"updatedReplicas": 2},
        {"conditions": [{"type": "Available", "status": "True"}]},
    ],
    ids=["not seen yet", "old pods left", "not rolled out"],
)
def test_a_deployment_that_is_not_rolled_out_is_not_ready(status: dict[str, object]) -> None:
    assert not readiness.deployment(deployment(**status)).is_ready


def test_a_deployment_at_zero_needs_no_pod() -> None:
    live = deployment(updatedReplicas=0, availableReplicas=0)

    assert readiness.deployment(live | {"spec": {"replicas": 0}}).is_ready


def test_pods_that_may_not_be_made_are_told_in_the_controllers_words() -> None:
    refused = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "violates PodSecurity",
    }

    told = readiness.deployment(deployment(updatedReplicas=0, conditions=[refused])).told

    assert "FailedCreate: violates PodSecurity" in told


def test_a_pods_troubles_are_named() -> None:
    live = {
        "metadata": {"name": "w-1"},
        "status": {
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "0/1 nodes",
                }
            ],
            "containerStatuses": [
                {"name": "a", "state": {"waiting": {"reason": "ErrImagePull", "message": "no"}}},
                {
                    "name": "b",
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
                },
                {"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}},
            ],
        },
    }

    assert readiness.pod_troubles(live) == [
        "pod w-1: Unschedulable: 0/1 nodes",
        "pod w-1, container a: ErrImagePull: no",
        "pod w-1, container b: CrashLoopBackOff, ended with code 1 (Error)",
    ]


def test_a_job_that_failed_is_not_waited_for() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}

    assert readiness.job({"status": {"conditions": [failed]}}).failed
    assert readiness.job(
        {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    ).is_ready


@pytest.mark.parametrize(
    ("requested_s", "annotated", "expected_s"), [(5, "7", 5), (0, "7", 7), (0, "soon", 600)]
)
def test_custom_timeouts_win_over_the_annotation_and_that_over_the_default(
    requested_s: float, annotated: str, expected_s: float
) -> None:
    manifest: dict[str, object] = {
        "metadata": {"annotations": {"pulumi.com/timeoutSeconds": annotated}}
    }

    assert waiting.timeout_s(requested_s, manifest) == expected_s


def judge(**annotations: str) -> object:
    keyed = {f"pulumi.com/{key}": value for key, value in annotations.items()}
    return waiting.judge({"metadata": {"annotations": keyed}}, DEPLOYMENT)


def test_annotations_decide_what_is_waited_for() -> None:
    assert judge() is readiness.deployment
    assert judge(skipAwait="true") is None
    wanted = waiting.judge(
        {"metadata": {"annotations": {"pulumi.com/waitFor": "condition=Active"}}}, DEPLOYMENT
    )
    assert wanted is not None
    assert wanted({"status": {"conditions": [{"type": "Active", "status": "True"}]}}).is_ready
    with pytest.raises(RehearsalError, match="stand-in"):
        judge(waitFor="jsonpath={.status.phase}=Bound")
