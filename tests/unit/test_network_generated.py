"""Network policies of any valid stack: taken by the API server, few, and no way to credentials."""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra import config
from infra.manifests.deployment import (
    api_deployment,
    beat_deployment,
    janitor_deployment,
    worker_deployment,
)
from infra.manifests.network_policy import allow_fleet, allowed, deny_all, fleet_egress
from infra.models.broker import BrokerAddress
from infra.models.fleet import FleetConfig
from infra.models.ranges import METADATA, PRIVATE
from tests.unit.generated import Stack, stacks
from tests.unit.network_flows import Pod, Walls, faults

# Neither in `data` nor in a range that generated stacks open.
SECRET_PLACE = Pod("vault", {"app": "a"}, "169.254.1.1")
hosts = st.sampled_from(["10.1.2.3", "2600::5", "redis.data.svc", "cache.example", "redis"])


def walls(fleet: FleetConfig, host: str) -> Walls:
    egress = fleet_egress(fleet, BrokerAddress(host, 6379))
    specs: Mapping[str, Any] = {
        "allow-fleet": {**allow_fleet(fleet), "egress": egress},
        **allowed(fleet),
        "deny-all": deny_all(),
    }
    return Walls(
        [
            {"metadata": {"name": name, "namespace": fleet.namespace}, "spec": spec}
            for name, spec in specs.items()
        ]
    )


def pods(fleet: FleetConfig) -> list[Pod]:
    workers = [worker_deployment(fleet, name) for name in fleet.workers]
    ours = (*workers, beat_deployment(fleet), janitor_deployment(fleet), api_deployment(fleet))
    return [Pod(fleet.namespace, each["template"]["metadata"]["labels"]) for each in ours]


@given(stacks(), hosts)
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_policies_of_every_valid_stack(stack: Stack, host: str) -> None:
    fleet = config.validated(stack.raw, "Pulumi.made-up.yaml")
    found = walls(fleet, host)

    assert not [fault for policy in found.policies for fault in faults(policy)]
    assert all(len(policy["metadata"]["name"]) <= 253 for policy in found.policies)
    stating = [name for name in fleet.workers if any(q.egress for q in served(fleet, name))]
    assert len(found.policies) <= 6 + len(stating)
    for pod in pods(fleet):
        for metadata in METADATA:
            for port in (80, 443, 6379, 65_535):
                assert not found.lets_out(pod, metadata.split("/")[0], port)
        assert not found.lets_out(pod, SECRET_PLACE, 443)
        broker: dict[str, Pod | str] = {
            "redis.data.svc": Pod("data"),
            "10.1.2.3": host,
            "2600::5": host,
        }
        assert found.lets_out(pod, broker.get(host, PRIVATE[0].split("/")[0]), 6379)


def served(fleet: FleetConfig, worker: str) -> list[Any]:
    return [fleet.queues[queue] for queue in fleet.workers[worker].queues]
