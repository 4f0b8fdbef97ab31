"""What a stack file may open or close in its network policies, and who is then let pass."""

from typing import Any

import pytest

from infra.models.fleet import FleetConfig
from tests.unit import aws_stage
from tests.unit.network_flows import Pod
from tests.unit.network_stage import METADATA, METRICS, PROMETHEUS, on_aws, rendered
from tests.unit.recorder import imagineer


def local(policy: dict[str, Any] | None = None, **changes: Any) -> FleetConfig:
    return imagineer(**({"networkPolicy": policy} if policy else {}), **changes)


def with_queue(name: str, **changes: Any) -> dict[str, Any]:
    queues: dict[str, Any] = imagineer().model_dump(by_alias=True)["queues"]
    queues[name] |= changes
    return queues


def test_without_policies_there_is_none_and_nothing_waits_for_them() -> None:
    fleet = rendered(local({"enabled": False}))

    assert fleet.walls.policies == []
    assert fleet.walls.lets_out(fleet.pods["beat"], METADATA[0], 80)


def test_stated_callers_reach_the_api_and_nothing_else() -> None:
    ingress = {"namespace": "edge", "podLabels": {"app": "ingress"}}
    fleet = rendered(local({"callers": [ingress, {"cidr": "10.8.0.0/16"}]}))
    let_in = fleet.walls.lets_in

    api, worker = fleet.pods["api"], fleet.pods["worker-default"]
    for caller in (Pod("edge", {"app": "ingress"}), "10.8.3.4"):
        assert let_in(api, caller, 8000)
        assert not let_in(api, caller, METRICS)
        assert not let_in(worker, caller, 8000)
    assert not let_in(api, Pod("edge", {"app": "shell"}), 8000)
    assert not let_in(api, Pod("shop", {"app": "ingress"}), 8000)
    assert not let_in(api, "10.9.0.1", 8000)


def test_the_stacks_own_prometheus_scrapes_wherever_another_one_is() -> None:
    elsewhere = {"scrapers": [{"namespace": "metrics"}]}
    here = rendered(local(elsewhere))
    prod = on_aws(aws_stage.rendered(aws_stage.changed("prod", networkPolicy=elsewhere)))

    for fleet, own in ((here, False), (prod, True)):
        beat = fleet.pods["beat"]
        assert fleet.walls.lets_in(beat, Pod("metrics"), METRICS)
        assert fleet.walls.lets_in(beat, PROMETHEUS, METRICS) is own


def test_what_the_stack_adds_every_pod_reaches_and_what_a_queue_adds_its_worker_alone() -> None:
    traces = {"namespace": "traces", "ports": [4317, 4318]}
    database = {"cidr": "10.9.8.0/24", "ports": [5432]}
    clock = {"cidr": "10.9.9.1/32", "ports": [123], "protocol": "UDP"}
    queues = with_queue("training", egress=[database, clock, database])
    fleet = rendered(local({"egress": [traces]}, queues=queues))
    let_out = fleet.walls.lets_out

    for name, pod in fleet.pods.items():
        assert let_out(pod, Pod("traces"), 4318)
        assert not let_out(pod, Pod("traces"), 4319)
        assert let_out(pod, "10.9.8.7", 5432) is (name == "worker-training")
        assert let_out(pod, "10.9.9.1", 123, "UDP") is (name == "worker-training")
        assert not let_out(pod, "10.9.9.1", 123)
    (own,) = [p for p in fleet.walls.policies if p["metadata"]["name"] == "allow-worker-training"]
    assert len(own["spec"]["egress"]) == 2


def telling(config: FleetConfig) -> dict[str, Any]:
    workers: dict[str, Any] = config.model_dump(by_alias=True)["workers"]
    workers["labeling"]["podDeletionCost"] = True
    return workers


def test_only_workers_that_tell_their_deletion_cost_reach_the_api_server() -> None:
    prod = aws_stage.changed("prod", workers=telling(aws_stage.stack("prod").config))
    fleet = on_aws(aws_stage.rendered(prod))

    for name, pod in fleet.pods.items():
        # By its Service, and by its interfaces in the private subnets.
        for server in ("172.20.0.1", "10.20.3.4"):
            assert fleet.walls.lets_out(pod, server, 443) is (name == "worker-labeling")
        assert not fleet.walls.lets_out(pod, "172.20.0.10", 443)
        assert not fleet.walls.lets_out(pod, "10.20.200.4", 443)


@pytest.mark.parametrize(
    ("stated", "reached", "refused"),
    [([], "10.96.0.1", "52.1.2.3"), (["52.1.2.3/32"], "52.1.2.3", "10.96.0.1")],
)
def test_an_existing_clusters_api_server_is_private_or_where_it_is_said_to_be(
    stated: list[str], reached: str, refused: str
) -> None:
    config = local({"apiServerCidrs": stated}, workers=telling(imagineer()))
    fleet = rendered(config)

    labeling = fleet.pods["worker-labeling"]
    for port in (443, 6443):
        assert fleet.walls.lets_out(labeling, reached, port)
        assert not fleet.walls.lets_out(labeling, refused, port)
    assert not fleet.walls.lets_out(labeling, reached, 10250)


def test_public_addresses_of_ones_own_are_not_the_internet() -> None:
    fleet = rendered(local({"privateCidrs": ["203.0.113.0/24"]}))

    scraping = fleet.pods["worker-scraping"]
    assert not fleet.walls.lets_out(scraping, "203.0.113.9", 443)
    assert fleet.walls.lets_out(scraping, "203.0.112.255", 443)


def test_public_addresses_of_network_and_services_are_not_the_internet_but_for_the_broker() -> None:
    network = {"kind": "new", "cidr": "52.10.0.0/16", "peerCidrs": ["52.12.0.0/16"]}
    cluster = {"kind": "eks", "serviceCidr": "52.14.0.0/16"}
    config = aws_stage.changed("staging", network=network, cluster=cluster)
    fleet = on_aws(aws_stage.rendered(config))

    scraping = fleet.pods["worker-scraping"]
    assert fleet.walls.lets_out(scraping, "52.10.1.1", 6379)
    for own in ("52.10.1.1", "52.12.0.1", "52.14.0.1"):
        assert not fleet.walls.lets_out(scraping, own, 443)
    for other in ("52.11.0.1", "52.13.0.1", "52.15.0.1"):
        assert fleet.walls.lets_out(scraping, other, 443)


@pytest.mark.parametrize(
    ("cidrs", "reached", "refused"),
    [([], "172.16.9.9", "52.1.1.1"), (["52.1.0.0/16"], "52.1.1.1", "172.16.9.9")],
)
def test_a_broker_made_in_a_network_of_others_is_in_its_ranges(
    cidrs: list[str], reached: str, refused: str
) -> None:
    subnets = {"vpcId": "vpc-0123456789abcdef0", "privateSubnetIds": ["subnet-a", "subnet-b"]}
    network = {"kind": "existing", **subnets, "cidrs": cidrs}
    fleet = on_aws(aws_stage.rendered(aws_stage.changed("staging", network=network)))

    assert fleet.walls.lets_out(fleet.pods["beat"], reached, 6379)
    assert not fleet.walls.lets_out(fleet.pods["beat"], refused, 6379)
    assert not fleet.walls.lets_out(fleet.pods["worker-scraping"], reached, 443)
