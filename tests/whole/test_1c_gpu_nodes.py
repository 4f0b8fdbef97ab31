"""A queue on GPU nodes: none at rest, one for a task, none after it."""

import time

import pytest

from fleet.kubernetes import Object, condition
from tests.whole.interference import events
from tests.whole.running_fleet import STACK, RunningFleet, until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(240)]

GROUP = f"{STACK}-gpu"
# As the template has them.
LAUNCH_S, PULL_S = 5, 2


def gpu_nodes(running: RunningFleet) -> list[str]:
    nodes = running.cluster.items("/api/v1/nodes")
    return [
        node["metadata"]["name"]
        for node in nodes
        if "nvidia.com/gpu" in (node["status"].get("capacity") or {})
    ]


def pending_pod(running: RunningFleet) -> Object | None:
    """A training pod for which the scheduler has found no node."""
    pods = running.pods("training")
    return next(
        (pod for pod in pods if condition(pod, "PodScheduled").get("reason") == "Unschedulable"),
        None,
    )


def test_a_gpu_node_comes_for_a_training_and_goes_after_it(running: RunningFleet) -> None:
    running.rest("training")
    until(lambda: not gpu_nodes(running) or None, 60, "no GPU node at rest")

    sent = time.monotonic()
    arguments = {"run_id": f"gpu-{time.time():.0f}", "epochs": 3}
    task = running.api.create("worker_image.tasks.training.train", arguments)
    pod = until(lambda: pending_pod(running), 15, "KEDA asks for a pod, and it has no node")
    assert gpu_nodes(running) == []
    nodes = until(lambda: gpu_nodes(running) or None, 30, "a GPU node")
    booted_s = time.monotonic() - sent
    result = running.result(task, 60)

    assert nodes == [f"{GROUP}-0"]
    assert booted_s >= LAUNCH_S
    assert time.monotonic() - sent >= LAUNCH_S + PULL_S
    assert (result.status, result.value["epochs_run"]) == ("completed", 3)
    told = events(running, "Pod", pod["metadata"]["name"])
    assert told["TriggeredScaleUp"]["message"] == (
        f"pod triggered scale-up: [{{{GROUP} 0->1 (max: 1)}}]"
    )
    running.rest("training")
    until(lambda: not gpu_nodes(running) or None, 60, "no GPU node again")
