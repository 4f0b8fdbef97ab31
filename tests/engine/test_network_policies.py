"""The real API server takes the network policies as they are, and drops nothing of them."""

from typing import Any

import pytest

from infra.config import load_file
from infra.manifests.network_policy import allow_fleet, allowed, deny_all, fleet_egress
from infra.models.broker import BrokerAddress
from infra.models.fleet import FleetConfig
from tests.engine.control_plane import Cluster
from tests.unit.aws_stage import ROOT
from tests.unit.recorder import imagineer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]


def specs(config: FleetConfig, address: BrokerAddress | None) -> dict[str, Any]:
    fleet = {**allow_fleet(config), "egress": fleet_egress(config, address)}
    return {"allow-fleet": fleet, **allowed(config), "deny-all": deny_all()}


def with_everything() -> FleetConfig:
    raw = imagineer().model_dump(by_alias=True)
    raw["workers"]["labeling"]["podDeletionCost"] = True
    raw["queues"]["training"]["egress"] = [{"cidr": "2600:1::/32", "ports": [123, 5432]}]
    service = {"namespace": "edge", "podLabels": {"app": "ingress"}}
    stated = {"callers": [service], "egress": [{**service, "ports": [53], "protocol": "UDP"}]}
    return FleetConfig.model_validate({**raw, "networkPolicy": stated})


@pytest.mark.parametrize("name", ["prod", "everything"])
def test_policies_are_kept_as_they_were_sent(cluster: Cluster, name: str) -> None:
    own = name == "prod"
    config = load_file(ROOT / "Pulumi.prod.yaml") if own else with_everything()
    sent = specs(config, None if own else BrokerAddress("redis.data.svc", 6379))
    namespace = f"walls-{name}"
    cluster.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"

    for policy, spec in sent.items():
        cluster.create(path, {"metadata": {"name": policy}, "spec": spec})

    kept = {each["metadata"]["name"]: each["spec"] for each in cluster.get(path)["items"]}
    assert kept == sent
    assert len(kept) == (4 if own else 7)
    cluster.delete(f"/api/v1/namespaces/{namespace}")
