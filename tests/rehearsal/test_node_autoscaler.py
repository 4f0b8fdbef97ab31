"""Nodes come for pods that have no place, and go when they have no pods."""

import time
from collections.abc import Iterator

import pytest

from rehearsal.spec import NodeGroup, Taint
from tests.rehearsal.node_agent.cluster import condition, namespace_on, sh, wait_for
from tests.rehearsal.stage import Stage, eventually, kill

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]

LAUNCH_S, PULL_S, IDLE_S = 3.0, 2.0, 4.0
GROUP = NodeGroup(
    name="burst",
    minimum=0,
    maximum=1,
    launch_s=LAUNCH_S,
    image_pull_s=PULL_S,
    idle_s=IDLE_S,
    capacity={"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "1"},
    labels={"group": "burst"},
    taints=(Taint(key="burst", value="yes"),),
)
WANTS = {
    "nodeSelector": {"group": "burst"},
    "tolerations": [{"key": "burst", "operator": "Exists"}],
}
ONE_GPU = {"limits": {"nvidia.com/gpu": "1"}}


@pytest.fixture
def elastic(stage: Stage) -> Iterator[Stage]:
    """The stage with a node group that may grow, and none of its nodes."""
    spec = stage.spec.model_copy(update={"node_groups": (GROUP,)})
    other = Stage(stage.root, spec, stage.tools)
    other.start()
    eventually(lambda: not nodes(other), "end of the group's nodes")
    yield other
    other.api.close()
    # Another specification brought another supervisor, which knows no exit code of what it adopts.
    stage.stop()
    stage.start()


def nodes(stage: Stage) -> list[str]:
    found = stage.get("/api/v1/nodes")["items"]
    names = [node["metadata"]["name"] for node in found]
    return [name for name in names if name.startswith("burst-")]


def test_a_node_boots_for_a_pod_that_has_no_place_and_goes_after_it(elastic: Stage) -> None:
    with namespace_on(elastic.root) as cluster:
        began = time.monotonic()
        cluster.run("job", *sh("exec sleep 600"), spec=WANTS, resources=ONE_GPU)
        wait_for(lambda: "TriggeredScaleUp" in dict(cluster.events("job")), "the event")
        eventually(lambda: nodes(elastic) == ["burst-0"], "a node")
        booted_s = time.monotonic() - began
        cluster.wait_phase("job", "Running")
        ran_s = time.monotonic() - began

        told = dict(cluster.events("job"))
        assert told["TriggeredScaleUp"] == "pod triggered scale-up: [{burst 0->1 (max: 1)}]"
        assert "stand-in" in told["Pulled"]
        assert booted_s >= LAUNCH_S
        assert LAUNCH_S + PULL_S <= ran_s < LAUNCH_S + PULL_S + 6

        cluster.run("second", *sh("exec sleep 600"), spec=WANTS, resources=ONE_GPU)
        wait_for(lambda: "NotTriggerScaleUp" in dict(cluster.events("second")), "the event")
        assert "max node group size reached" in dict(cluster.events("second"))["NotTriggerScaleUp"]
        cluster.delete("pods", "second", grace_s=0)

        time.sleep(IDLE_S + 3)
        assert nodes(elastic) == ["burst-0"]
        cluster.delete("pods", "job", grace_s=0)
        began = time.monotonic()
        eventually(lambda: not nodes(elastic), "end of the node")
        assert IDLE_S <= time.monotonic() - began < IDLE_S + 8
    assert elastic.get("/api/v1/namespaces/default/events?fieldSelector=reason=ScaleDown")["items"]


def test_a_pod_without_the_toleration_launches_nothing(elastic: Stage) -> None:
    with namespace_on(elastic.root) as cluster:
        cluster.run("shy", *sh("exec sleep 600"), spec={"nodeSelector": {"group": "burst"}})
        wait_for(lambda: "NotTriggerScaleUp" in dict(cluster.events("shy")), "the event")

        assert "untolerated taint {burst: yes}" in dict(cluster.events("shy"))["NotTriggerScaleUp"]
        time.sleep(LAUNCH_S + 1)
        assert nodes(elastic) == []


def test_a_killed_autoscaler_takes_up_its_nodes(elastic: Stage) -> None:
    with namespace_on(elastic.root) as cluster:
        cluster.run("job", *sh("exec sleep 600"), spec=WANTS)
        cluster.wait_phase("job", "Running")
        kill(elastic.process("node-autoscaler").pid)

        assert any(line.startswith("node-autoscaler died") for line in elastic.start())

        assert nodes(elastic) == ["burst-0"]
        assert condition(cluster.pod("job"), "Ready") == "True"
        cluster.delete("pods", "job", grace_s=0)
        eventually(lambda: not nodes(elastic), "end of the node")
