"""What a killed pulumi left half-done is settled by what the cluster has."""

from typing import Any

import httpx

from fleet import engine_repair
from fleet.kubernetes import Cluster

NAMESPACE = "celery-fleet-local"
URN = "urn:pulumi:local::celery-fleet::kubernetes:apps/v1:Deployment::beat"
DISCOVERY = {
    "resources": [
        {"name": "deployments/status", "kind": "Deployment"},
        {"name": "deployments", "kind": "Deployment"},
    ]
}


def operation(under_way: str = "creating", **inputs: Any) -> dict[str, Any]:
    return {"type": under_way, "resource": {"urn": URN, "inputs": inputs}}


def exported(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"deployment": {"pending_operations": list(operations)}}


BEAT = operation(
    apiVersion="apps/v1", kind="Deployment", metadata={"name": "beat", "namespace": NAMESPACE}
)


def cluster(*paths: str) -> Cluster:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/apis/apps/v1":
            return httpx.Response(200, json=DISCOVERY)
        return httpx.Response(200 if request.url.path in paths else 404, json={})

    transport = httpx.MockTransport(answer)
    return Cluster(httpx.Client(base_url="https://cluster", transport=transport))


def settle(state: dict[str, Any], *paths: str) -> list[str]:
    creates = list(engine_repair.pending_creates(state))
    return engine_repair.refresh_arguments(creates, cluster(*paths))


def test_an_object_that_was_created_is_adopted_by_its_id() -> None:
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/beat"

    assert settle(exported(BEAT), path) == [
        "--clear-pending-creates",
        f"--import-pending-creates={URN}",
        f"--import-pending-creates={NAMESPACE}/beat",
    ]


def test_an_object_that_was_not_created_is_forgotten() -> None:
    assert settle(exported(BEAT)) == ["--clear-pending-creates"]


def test_a_kind_that_the_cluster_does_not_serve_does_not_exist() -> None:
    unknown = operation(apiVersion="keda.sh/v1alpha1", kind="ScaledObject", metadata={"name": "x"})

    assert settle(exported(unknown)) == ["--clear-pending-creates"]


def test_an_update_under_way_is_settled_by_the_refresh_alone() -> None:
    state = exported(operation("updating", **BEAT["resource"]["inputs"]))

    assert engine_repair.has_pending(state)
    assert settle(state) == ["--clear-pending-creates"]


def test_a_state_at_rest_needs_nothing() -> None:
    assert not engine_repair.has_pending(exported())
    assert not engine_repair.has_pending({"deployment": None})
