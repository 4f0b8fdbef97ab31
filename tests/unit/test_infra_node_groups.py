"""What a stack states of its nodes: how many at rest, how many at most, and what follows."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config import ConfigError, load_file
from infra.models.agreement import plan
from infra.models.cluster import NodeGroupSpec
from tests.unit.recorder import IMAGINEER, ROOT

GPU = {"cpu": 8, "memoryMiB": 32768, "gpu": 1, "taints": [{"key": "nvidia.com/gpu"}]}


def group(**stated: Any) -> NodeGroupSpec:
    return NodeGroupSpec.model_validate(GPU | stated)


def stack_file(folder: Path, **gpu: Any) -> Path:
    document = yaml.safe_load(IMAGINEER.read_text())
    document["config"]["celery-fleet:nodeGroups"]["gpu"] = GPU | gpu
    document["config"].pop("celery-fleet:prices")
    path = folder / "Pulumi.other.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_group_does_not_grow_unless_it_says_how_far() -> None:
    assert (group().nodes, group().max_nodes) == (1, 1)
    assert group(nodes=3).max_nodes == 3
    assert group(nodes=0, maxNodes=2).max_nodes == 2


def test_a_pod_finds_a_warm_place_only_where_nodes_are_there_at_rest() -> None:
    assert group().headroom
    assert not group(nodes=0, maxNodes=1).headroom
    assert group(nodes=0, maxNodes=1, headroom=True).headroom


@pytest.mark.parametrize(
    ("gpu", "told"),
    [
        ({"nodes": 2, "maxNodes": 1}, "nodeGroups.gpu: maxNodes 1 is below nodes 2"),
        ({"nodes": 0}, "nodeGroups.gpu: maxNodes is 0: no pod could ever run there"),
        ({"maxNodes": -1}, "nodeGroups.gpu.maxNodes is -1"),
        ({"nodes": "two"}, "nodeGroups.gpu.nodes is 'two'"),
    ],
)
def test_a_group_that_could_not_be_is_refused_by_name(
    tmp_path: Path, gpu: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        load_file(stack_file(tmp_path, **gpu))

    assert told in str(raised.value)


def test_a_worker_may_live_on_a_group_without_nodes_at_rest_and_waits_for_one(
    tmp_path: Path,
) -> None:
    times = {"launchSeconds": 90, "imagePullSeconds": 60}
    resting = load_file(stack_file(tmp_path, nodes=0, maxNodes=1, **times))
    warm = load_file(stack_file(tmp_path, nodes=1, **times))

    cold_s = plan(resting, "training").reaction.cold_s
    assert cold_s == plan(warm, "training").reaction.cold_s + 90 + 60


@pytest.mark.parametrize("stack", ["imagineer", "mistudio"])
def test_gpu_nodes_of_the_templates_rest_at_zero(stack: str) -> None:
    fleet = load_file(ROOT / "stacks" / f"{stack}.yaml")

    gpus = [each for each in fleet.node_groups.values() if each.gpu]
    assert [each.nodes for each in gpus] == [0]
    assert all(plan(fleet, w).min_replicas == 0 for w in fleet.workers if on_gpu(fleet, w))


def on_gpu(fleet: Any, worker: str) -> bool:
    return bool(fleet.workers[worker].resources.gpu)
