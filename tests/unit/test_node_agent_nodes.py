"""The agent's nodes: those of the spec, those that were launched, and their images."""

import os
from pathlib import Path

import pytest

from rehearsal.layout import Layout
from rehearsal.node_agent.pods.image_pulls import ImagePulls
from rehearsal.node_agent.spec_file import SpecFile
from rehearsal.spec import LaunchedNodes, NodeGroup, NodeSpec, RehearsalSpec

GROUP = NodeGroup(
    name="gpu", minimum=0, maximum=2, launch_s=1, idle_s=1, capacity={"cpu": "1"}, image_pull_s=5
)
SPEC = RehearsalSpec(
    nodes=(NodeSpec(name="cpu-0", capacity={"cpu": "4"}),), images=(), node_groups=(GROUP,)
)


def write(path: Path, text: str, at_s: int) -> None:
    path.write_text(text)
    os.utime(path, (at_s, at_s))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    write(layout.spec_file, SPEC.model_dump_json(), 1)
    return layout


def names(spec: SpecFile) -> list[str]:
    return [node.name for node in spec.nodes]


def test_nodes_follow_the_spec_and_what_the_autoscaler_has_launched(layout: Layout) -> None:
    spec = SpecFile(layout)
    assert names(spec) == ["cpu-0"]
    assert not spec.refresh()

    launched = LaunchedNodes(numbers={"gpu": (1,), "gone": (0,)})
    write(layout.launched_nodes_file, launched.model_dump_json(), 2)
    assert spec.refresh()
    assert names(spec) == ["cpu-0", "gpu-1"]

    write(layout.spec_file, SPEC.model_copy(update={"node_groups": ()}).model_dump_json(), 3)
    assert spec.refresh()
    assert names(spec) == ["cpu-0"]


def test_a_file_that_is_no_list_of_nodes_leaves_the_nodes_as_they_are(layout: Layout) -> None:
    spec = SpecFile(layout)

    write(layout.launched_nodes_file, "{", 2)

    assert not spec.refresh()
    assert names(spec) == ["cpu-0"]


def test_the_first_pod_of_an_image_waits_for_it_and_later_ones_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    pulls = ImagePulls(lambda node: 5.0 if node == "gpu-0" else 0.0)

    assert pulls.remaining_s("cpu-0", "a/b") == 0
    assert pulls.remaining_s("gpu-0", "a/b") == 5
    now[0] = 103
    assert pulls.remaining_s("gpu-0", "a/b") == 2
    assert pulls.remaining_s("gpu-0", "c/d") == 5
    now[0] = 110
    assert pulls.remaining_s("gpu-0", "a/b") == 0
    pulls.forget("gpu-0")
    assert pulls.remaining_s("gpu-0", "a/b") == 5


def test_only_launched_nodes_pull() -> None:
    assert GROUP.model_copy(update={"minimum": 1}).node(0).image_pull_s == 0
    assert GROUP.node(0).image_pull_s == 5
