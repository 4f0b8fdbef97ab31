"""A preview's bounds before a real API server: no pod of its own is refused, and they end."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from infra.manifests.container import GPU
from infra.manifests.quota import limit_range, pods, resource_quota
from infra.models.fleet import FleetConfig
from tests.rehearsal.node_agent.cluster import NodeCluster, namespace_on, sh, wait_for
from tests.rehearsal.stage import Stage
from tests.unit.preview_stage import preview, wish

pytestmark = pytest.mark.rehearsal

BUSY = sh("trap '' TERM; while :; do sleep 1; done")
LONG_S = 600
SPECS = {"resourcequotas": resource_quota, "limitranges": limit_range}


@pytest.fixture
def cluster(stage: Stage) -> Iterator[NodeCluster]:
    with namespace_on(stage.root) as made:
        yield made


def bound(cluster: NodeCluster, config: FleetConfig) -> None:
    """Give the namespace a preview's bounds, as `up` does before it touches its pods."""
    for kind, spec in SPECS.items():
        former = cluster.client.get(place := cluster.path(kind, "bounds"))
        if former.is_success:
            changed = {**former.json(), "spec": spec(config)}
            cluster.client.put(place, json=changed).raise_for_status()
        else:
            cluster.create(kind, "bounds", spec=spec(config))
    hard = resource_quota(config)["hard"]
    wait_for(lambda: quota(cluster).get("hard") == hard, "the quota to hold")


def quota(cluster: NodeCluster) -> dict[str, Any]:
    found: dict[str, Any] = cluster.client.get(cluster.path("resourcequotas", "bounds")).json()
    return dict(found.get("status", {}))


def asked(
    cluster: NodeCluster, name: str, resources: Mapping[str, Any], **spec: Any
) -> httpx.Response:
    """Create a pod; unless it says more it is placed nowhere, and counts."""
    main = {"name": "main", "image": cluster.image, "command": BUSY, "resources": resources}
    placed = {"nodeSelector": {"test/nowhere": "x"}, "automountServiceAccountToken": False}
    document = {"metadata": {"name": name}, "spec": {**placed, "containers": [main], **spec}}
    return cluster.client.post(cluster.path("pods"), json=document)


def resources_of(config: FleetConfig) -> list[tuple[str, dict[str, Any], int, int]]:
    """Name, resources, pods at most and in rollouts of each Deployment."""
    named = [(each.spec["containers"][0], each) for each in pods(config)]
    return [(main["name"], main["resources"], e.most, e.in_rollouts) for main, e in named]


def draining_training(cluster: NodeCluster, config: FleetConfig) -> None:
    """The training's pod in the middle of a task, told to end."""
    trained = next(shape for _, shape, *_ in resources_of(config) if GPU in shape["limits"])
    free = {"nodeSelector": {}, "tolerations": [{"operator": "Exists"}]}
    answer = asked(cluster, "training", trained, terminationGracePeriodSeconds=LONG_S, **free)
    assert answer.is_success, answer.text
    cluster.wait_phase("training", "Running")
    cluster.client.delete(cluster.path("pods", "training")).raise_for_status()
    assert cluster.pod("training")["metadata"]["deletionTimestamp"]


def test_a_training_that_drains_keeps_no_pod_of_the_preview_without_it_out(
    cluster: NodeCluster,
) -> None:
    """Its memory, GPU and pod count until it is gone, up to half an hour."""
    with_training, without = preview("local", wish(training=True)), preview("local")
    bound(cluster, with_training)
    draining_training(cluster, with_training)

    bound(cluster, without)

    for name, shape, most, in_rollouts in resources_of(without):
        for number in range(min(in_rollouts, 2 * most)):
            answer = asked(cluster, f"{name}-{number}", shape)
            assert answer.is_success, answer.text
    assert cluster.pod("training")["metadata"]["deletionTimestamp"]


def test_after_two_quick_pushes_the_third_revision_starts_beside_what_drains(
    cluster: NodeCluster,
) -> None:
    config = preview("local")
    bound(cluster, config)

    for name, shape, _, in_rollouts in resources_of(config):
        revisions = 3 if name == "worker" else in_rollouts
        for number in range(revisions):
            answer = asked(cluster, f"{name}-{number}", shape)
            assert answer.is_success, answer.text


def test_a_preview_gone_wild_stops_at_its_bounds(cluster: NodeCluster) -> None:
    config = preview("local")
    bound(cluster, config)
    shape = next(shape for name, shape, *_ in resources_of(config) if name == "worker")
    more = {**shape, "limits": {**shape["limits"], "memory": "64Gi"}}
    two = [{"name": n, "image": cluster.image, "resources": shape} for n in ("a", "b")]

    for answer in (asked(cluster, "big", more), asked(cluster, "two", shape, containers=two)):
        assert answer.status_code == httpx.codes.FORBIDDEN
        assert "maximum" in answer.text
    most = int(resource_quota(config)["hard"]["pods"])
    for number in range(most):
        assert asked(cluster, f"wild-{number}", shape).is_success
    last = asked(cluster, "one-more", shape)

    assert last.status_code == httpx.codes.FORBIDDEN
    assert "exceeded quota: bounds, requested: pods=1" in last.text
