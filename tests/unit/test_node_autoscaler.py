"""The node autoscaler's decisions: who gets a node, how many, and which ones go."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal.layout import Layout
from rehearsal.node_agent.model.node import Node
from rehearsal.node_agent.model.pod import Pod
from rehearsal.node_autoscaler.machines import Machines
from rehearsal.node_autoscaler.room import Room, is_unschedulable, occupies
from rehearsal.node_autoscaler.scale_down import IdleClock, removable
from rehearsal.node_autoscaler.scale_up import ScaleUp, plan_scale_up
from rehearsal.spec import LaunchedNodes, NodeGroup, Taint

GPU = NodeGroup(
    name="local-gpu",
    minimum=0,
    maximum=2,
    launch_s=5,
    idle_s=20,
    capacity={"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "1"},
    labels={"group": "gpu"},
    taints=(Taint(key="nvidia.com/gpu", value="present"),),
)
CPU = NodeGroup(
    name="local-cpu",
    minimum=1,
    maximum=3,
    launch_s=5,
    idle_s=20,
    capacity={"cpu": "4", "memory": "8Gi", "pods": "3"},
    labels={"group": "cpu"},
)
TOLERATION = {
    "key": "nvidia.com/gpu",
    "operator": "Equal",
    "value": "present",
    "effect": "NoSchedule",
}
NOBODY: dict[str, frozenset[int]] = {}


def pod(name: str = "p", status: dict[str, Any] | None = None, **spec: Any) -> Pod:
    asked = spec.pop("requests", {"cpu": "1", "memory": "1Gi"})
    container = {"name": "main", "resources": {"requests": asked}}
    return Pod.model_validate(
        {
            "metadata": {"name": name, "namespace": "n", "uid": name},
            "spec": {"containers": [container], **spec},
            "status": status or {},
        }
    )


def gpu_pod(name: str = "p", **spec: Any) -> Pod:
    asked = {"cpu": "2", "memory": "12Gi", "nvidia.com/gpu": "1"}
    wanted = {"nodeSelector": {"group": "gpu"}, "tolerations": [TOLERATION], "requests": asked}
    return pod(name, **wanted | spec)


def plan(*pods: Pod, rooms: tuple[Room, ...] = (), **numbers: int) -> ScaleUp:
    having = {f"local-{name}": frozenset(range(number)) for name, number in numbers.items()}
    return plan_scale_up(pods, rooms, (CPU, GPU), having)


def launched(found: ScaleUp) -> dict[str, list[int]]:
    return {each.group.name: each.numbers for each in found.groups if each.numbers}


def test_a_gpu_pod_gets_a_gpu_node_and_the_event_that_people_know() -> None:
    found = plan(gpu_pod())

    assert launched(found) == {"local-gpu": [0]}
    gpu = found.groups[1]
    assert [each.metadata.name for each in gpu.pods] == ["p"]
    assert gpu.told == "{local-gpu 0->1 (max: 2)}"


def test_pods_that_fit_on_one_new_node_get_one_node() -> None:
    found = plan(*(pod(str(n), nodeSelector={"group": "cpu"}) for n in range(3)))

    assert launched(found) == {"local-cpu": [0]}
    assert len(found.groups[0].pods) == 3


def test_each_node_s_room_for_cpu_pods_and_gpus_is_filled_once() -> None:
    found = plan(gpu_pod("a"), gpu_pod("b"), *(pod(str(n)) for n in range(4)))

    assert launched(found) == {"local-cpu": [0, 1], "local-gpu": [0, 1]}


def test_what_is_there_or_under_way_is_filled_before_anything_is_launched() -> None:
    under_way = Room.of_new(GPU.node(0))

    found = plan(gpu_pod("a"), gpu_pod("b"), rooms=(under_way,), gpu=1)

    assert launched(found) == {"local-gpu": [1]}
    assert [each.metadata.name for each in found.groups[1].pods] == ["b"]
    assert found.groups[1].told == "{local-gpu 1->2 (max: 2)}"


def test_a_node_that_is_there_offers_what_its_pods_have_left() -> None:
    node = Node.model_validate(
        {
            "metadata": {"name": "local-cpu-0", "labels": {"group": "cpu"}},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "3"}},
        }
    )
    full = Room.of(node, [pod("a", requests={"cpu": "3500m", "memory": "1Gi"})])

    assert full.problem(pod()) == "Insufficient cpu"
    assert full.problem(pod(requests={"cpu": "500m", "memory": "7Gi"})) is None


def test_a_group_does_not_grow_beyond_its_maximum() -> None:
    found = plan(gpu_pod(), gpu=2)

    assert launched(found) == {}
    ((helpless, reasons),) = found.helpless
    assert helpless.metadata.name == "p"
    assert "local-gpu: max node group size reached" in reasons


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"tolerations": []}, "node(s) had untolerated taint {nvidia.com/gpu: present}"),
        ({"tolerations": [TOLERATION | {"value": "x"}]}, "untolerated taint"),
        ({"tolerations": [TOLERATION | {"effect": "NoExecute"}]}, "untolerated taint"),
        ({"nodeSelector": {"group": "other"}}, "didn't match Pod's node affinity/selector"),
        ({"requests": {"nvidia.com/gpu": "2"}}, "Insufficient nvidia.com/gpu"),
        ({"requests": {"memory": "33Gi"}}, "Insufficient memory"),
        ({"affinity": {"nodeAffinity": {}}}, "does not weigh affinity"),
    ],
)
def test_a_pod_that_no_node_of_the_group_could_hold_launches_none(
    spec: dict[str, Any], reason: str
) -> None:
    found = plan_scale_up([gpu_pod(**spec)], [], [GPU], NOBODY)

    assert launched(found) == {}
    assert reason in found.helpless[0][1]


@pytest.mark.parametrize(
    "toleration",
    [{"operator": "Exists"}, {"key": "nvidia.com/gpu", "operator": "Exists", "effect": ""}],
)
def test_a_toleration_of_whatever_value_lets_a_pod_pass(toleration: dict[str, str]) -> None:
    assert Room.of_new(GPU.node(0)).problem(gpu_pod(tolerations=[toleration])) is None


def test_only_pods_that_the_scheduler_gave_up_on_count_as_pending() -> None:
    def told(reason: str) -> dict[str, Any]:
        condition = {"type": "PodScheduled", "status": "False", "reason": reason}
        return {"conditions": [condition]}

    assert is_unschedulable(pod(status=told("Unschedulable")))
    assert not is_unschedulable(pod())
    assert not is_unschedulable(pod(status=told("SchedulingGated")))
    assert not is_unschedulable(pod(status=told("Unschedulable"), nodeName="x"))


def test_a_pod_that_ended_needs_its_node_no_more() -> None:
    assert occupies(pod(nodeName="x"))
    assert not occupies(pod(nodeName="x", status={"phase": "Succeeded"}))


def test_a_node_goes_once_it_was_empty_for_the_whole_period() -> None:
    clock, numbers = IdleClock(), {"local-gpu": frozenset({0, 1})}
    clock.note({"local-gpu-0", "local-gpu-1"}, 100)
    clock.note({"local-gpu-0"}, 110)
    clock.note({"local-gpu-0", "local-gpu-1"}, 111)

    assert list(removable([GPU], numbers, clock, 119)) == []
    assert list(removable([GPU], numbers, clock, 120)) == ["local-gpu-0"]
    assert list(removable([GPU], numbers, clock, 131)) == ["local-gpu-0", "local-gpu-1"]


def test_a_group_keeps_its_minimum_and_lets_the_longest_idle_go() -> None:
    clock, numbers = IdleClock(), {"local-cpu": frozenset({0, 1})}
    clock.note({"local-cpu-1"}, 100)
    clock.note({"local-cpu-0", "local-cpu-1"}, 110)

    assert list(removable([CPU], numbers, clock, 500)) == ["local-cpu-1"]
    assert list(removable([CPU], {"local-cpu": frozenset({0})}, clock, 500)) == []


def test_a_node_is_there_after_its_boot_and_stays_over_a_restart(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    machines = Machines(layout, (GPU,))
    machines.launch(GPU, 0, now_s=100)

    machines.settle(104)
    assert layout.read_launched_nodes().numbers == {"local-gpu": ()}
    assert machines.numbers == {"local-gpu": {0}}
    machines.settle(105)
    assert layout.read_launched_nodes().numbers == {"local-gpu": (0,)}

    again = Machines(layout, (GPU,))
    assert [node.name for node in again.nodes()] == ["local-gpu-0"]
    again.remove("local-gpu-0")
    assert layout.read_launched_nodes().numbers == {"local-gpu": ()}


def test_a_group_begins_at_its_minimum_and_never_above_its_maximum(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert [node.name for node in Machines(layout, (CPU, GPU)).nodes()] == ["local-cpu-0"]

    before = LaunchedNodes(numbers={"local-cpu": (1, 2, 3, 4), "gone": (0,)})
    layout.launched_nodes_file.write_text(before.model_dump_json())

    kept = [node.name for node in Machines(layout, (CPU,)).nodes()]
    assert kept == ["local-cpu-1", "local-cpu-2", "local-cpu-3"]
