"""Subnets are counted right, ranges that cannot work are refused, and nothing private is public."""

from ipaddress import IPv4Network
from typing import Any

import pytest
from pydantic import ValidationError

from infra.models.network import ExistingNetwork, NewNetwork, pod_addresses, zone_subnets
from tests.unit.aws_stage import changed, rendered, stack


def network(**keys: Any) -> NewNetwork:
    return NewNetwork.model_validate({"kind": "new", **keys})


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.20.0.0/18", "192.168.0.0/24"])
@pytest.mark.parametrize("zones", [["a", "b"], ["a", "b", "c"], ["a", "c", "d"]])
def test_subnets_lie_in_the_range_and_apart_from_one_another(cidr: str, zones: list[str]) -> None:
    spec = network(cidr=cidr, zones=zones)

    subnets = [subnet for zone in zone_subnets(spec) for subnet in zone]

    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in subnets)
    assert len(subnets) == 2 * len(zones)
    for at, subnet in enumerate(subnets):
        assert not any(subnet.overlaps(other) for other in subnets[:at])


def test_a_sixteen_has_three_private_quarters_and_public_slices_of_the_fourth() -> None:
    found = zone_subnets(network(cidr="10.0.0.0/16"))

    assert [str(zone.private) for zone in found] == [
        "10.0.0.0/18",
        "10.0.64.0/18",
        "10.0.128.0/18",
    ]
    assert [str(zone.public) for zone in found] == [
        "10.0.192.0/20",
        "10.0.208.0/20",
        "10.0.224.0/20",
    ]
    # AWS keeps five of each subnet.
    assert pod_addresses(network(cidr="10.0.0.0/16")) == 3 * (2**14 - 5)


def test_a_third_zone_leaves_the_first_two_where_they_are() -> None:
    two, three = network(zones=["a", "b"]), network(zones=["a", "b", "c"])

    assert zone_subnets(three)[:2] == zone_subnets(two)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"cidr": "10.0.0.0/25"}, "10.0.0.0/25 is too small: its public subnets would be /29"),
        ({"cidr": "10.0.0.0/12"}, "10.0.0.0/12 is larger than the /16 that a VPC may have"),
        ({"cidr": "10.0.0.1/16"}, "'10.0.0.1/16' is no IPv4 range"),
        ({"peerCidrs": ["10.0.64.0/20"]}, "10.0.0.0/16 overlaps peerCidrs 10.0.64.0/20"),
        (
            {"peerCidrs": ["10.8.0.0/16", "10.8.1.0/24"]},
            "peerCidrs 10.8.0.0/16, 10.8.1.0/24 overlap one another",
        ),
        ({"zones": ["a", "b", "a"]}, "zones a, b, a name one zone twice"),
        ({"zones": ["a"]}, "at least 2 items"),
    ],
)
def test_a_network_that_cannot_work_is_refused_with_its_numbers(
    keys: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        network(**keys)

    assert told in str(refused.value)


def test_an_existing_network_needs_two_subnets_by_id() -> None:
    for subnets in (["subnet-1"], ["subnet-1", "10.0.0.0/24"]):
        with pytest.raises(ValidationError, match=r"privateSubnetIds|at least 2"):
            ExistingNetwork.model_validate(
                {"kind": "existing", "vpcId": "vpc-0123456789abcdef0", "privateSubnetIds": subnets}
            )


def test_prod_has_a_way_out_for_each_zone_and_staging_one_for_all() -> None:
    for name, gateways in (("prod", 3), ("staging", 1)):
        found = stack(name)

        assert len(found.of("NatGateway")) == len(found.of("Eip")) == gateways
        private = {n: r for n, r in found.of("RouteTable").items() if n.startswith("private")}
        ways = [route for table in private.values() for route in table.inputs["routes"]]
        assert len(ways) == gateways
        assert all(way["natGatewayId"].startswith("nat-") for way in ways)


def test_each_subnet_has_the_table_of_its_kind() -> None:
    for name in ("prod", "staging"):
        links = stack(name).of("RouteTableAssociation")

        assert len(links) == 6
        for subnet, link in links.items():
            kind = subnet.split("-")[0]
            assert link.inputs["subnetId"] == f"{subnet}-id"
            assert link.inputs["routeTableId"].startswith(kind)


def test_no_subnet_gives_public_addresses_unasked() -> None:
    subnets = stack("prod").of("Subnet")

    assert len(subnets) == 6
    assert not any(subnet.inputs["mapPublicIpOnLaunch"] for subnet in subnets.values())
    zones = {subnet.inputs["availabilityZone"] for subnet in subnets.values()}
    assert zones == {"us-east-1a", "us-east-1b", "us-east-1c"}


def test_images_come_from_endpoints_that_only_the_vpc_reaches() -> None:
    found = stack("prod").of("VpcEndpoint")

    services = {r.inputs["serviceName"].split(".", 3)[3]: r.inputs for r in found.values()}
    assert set(services) == {"s3", "ecr.api", "ecr.dkr"}
    assert len(services["s3"]["routeTableIds"]) == 3
    for service in ("ecr.api", "ecr.dkr"):
        assert services[service]["privateDnsEnabled"] is True
        assert all(subnet.startswith("private-") for subnet in services[service]["subnetIds"])
    door = stack("prod").of("SecurityGroup")["endpoints"].inputs["ingress"]
    assert [rule["cidrBlocks"] for rule in door] == [["10.20.0.0/16"]]


def test_no_security_group_lets_the_world_in() -> None:
    for name in ("prod", "staging"):
        groups = stack(name).of("SecurityGroup")

        assert set(groups) == {"broker", "data", "endpoints", "nodes"}
        for group in groups.values():
            for rule in group.inputs.get("ingress", []):
                assert "0.0.0.0/0" not in rule.get("cidrBlocks", [])
                assert rule["fromPort"] == rule["toPort"] > 0


def test_flow_logs_of_all_traffic_are_encrypted_and_kept_for_a_while() -> None:
    found = stack("prod")

    assert found.one("FlowLog").inputs["trafficType"] == "ALL"
    logs = found.of("LogGroup")["flow-logs"].inputs
    assert (logs["retentionInDays"], bool(logs["kmsKeyId"])) == (90, True)


def test_an_existing_network_is_used_and_nothing_of_it_is_made() -> None:
    spec = {
        "kind": "existing",
        "vpcId": "vpc-0123456789abcdef0",
        "privateSubnetIds": ["subnet-a", "subnet-b"],
    }
    found = rendered(changed("staging", network=spec))

    for kind in ("Vpc", "Subnet", "NatGateway", "RouteTable", "VpcEndpoint", "FlowLog"):
        assert found.of(kind) == {}
    assert found.of("SubnetGroup")["broker"].inputs["subnetIds"] == ["subnet-a", "subnet-b"]
    group = found.of("NodeGroup")["cpu"].inputs
    assert group["subnetIds"] == ["subnet-a", "subnet-b"]
