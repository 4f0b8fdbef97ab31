"""Where network policies find a broker that others own, and what they refuse to believe."""

from typing import Any

import pytest
from pulumi import RunError
from pydantic import ValidationError

from infra.components import network_policies
from infra.manifests.network_policy import allow_fleet, fleet_egress
from infra.models.broker import BrokerAddress
from infra.models.fleet import FleetConfig
from tests.unit.network_flows import Pod, Walls
from tests.unit.recorder import imagineer

PORT = 7000
SOMEWHERE = "10.4.4.4"
PUBLIC = "52.1.2.3"


def stack(**stated: Any) -> FleetConfig:
    broker = imagineer().model_dump(by_alias=True)["broker"]
    return imagineer(broker={**broker, **stated})


def reaches(config: FleetConfig, host: str, other: Pod | str, port: int = PORT) -> bool:
    rules = fleet_egress(config, BrokerAddress(host, PORT))
    policy = {
        "metadata": {"namespace": config.namespace},
        "spec": {**allow_fleet(config), "egress": rules},
    }
    labels = policy["spec"]["podSelector"]["matchLabels"]
    return Walls([policy]).lets_out(Pod(config.namespace, labels), other, port)


def test_an_address_is_reached_and_no_other() -> None:
    for host, neighbour in (("10.1.2.3", "10.1.2.4"), ("2600::5", "2600::6"), (PUBLIC, "52.1.2.4")):
        assert reaches(stack(), host, host)
        assert not reaches(stack(), host, host, PORT + 1)
        assert not reaches(stack(), host, neighbour)


@pytest.mark.parametrize("host", ["redis.data.svc", "redis-0.redis.data.svc.cluster.local."])
def test_a_name_of_the_cluster_tells_its_namespace(host: str) -> None:
    assert reaches(stack(), host, Pod("data"))
    assert not reaches(stack(), host, Pod("web"))
    assert not reaches(stack(), host, SOMEWHERE)


def test_any_other_name_is_of_a_private_range_until_it_is_said_where() -> None:
    host = "master.broker.cache.example"
    assert reaches(stack(), host, SOMEWHERE)
    assert not reaches(stack(), host, PUBLIC)
    said = stack(at=[{"cidr": "52.1.0.0/16"}, {"namespace": "data", "podLabels": {"app": "redis"}}])
    assert reaches(said, host, PUBLIC)
    assert reaches(said, host, Pod("data", {"app": "redis"}))
    assert not reaches(said, host, Pod("data", {"app": "web"}))
    assert not reaches(said, host, SOMEWHERE)


def test_an_address_outside_of_what_is_stated_is_refused_by_key_and_value() -> None:
    said = stack(at=[{"cidr": "10.1.0.0/16"}])

    assert reaches(said, "10.1.2.3", "10.1.9.9")
    with pytest.raises(
        ValueError,
        match=r"^host 10\.2\.0\.1 of broker\.connectionSecret rehearsal/"
        r"broker is outside of broker\.at 10\.1\.0\.0/16: no pod would reach it$",
    ):
        fleet_egress(said, BrokerAddress("10.2.0.1", PORT))


def test_a_broker_in_the_fleets_own_namespace_is_refused() -> None:
    config = stack()

    with pytest.raises(ValueError, match="is in the fleet's own namespace celery-fleet-local"):
        fleet_egress(config, BrokerAddress(f"redis.{config.namespace}.svc", PORT))


def test_up_ends_with_that_one_error() -> None:
    said = stack(at=[{"cidr": "10.1.0.0/16"}])

    with pytest.raises(RunError, match=r"host 127\.0\.0\.1 .* outside of broker\.at"):
        network_policies._rules(fleet_egress, said, BrokerAddress("127.0.0.1", PORT))


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({}, "state cidr or namespace"),
        ({"cidr": "10.0.0.0/8", "namespace": "data"}, "state cidr or namespace"),
        ({"cidr": "10.0.0.0/8", "podLabels": {"a": "b"}}, "podLabels go with a namespace"),
        ({"cidr": "10.0.0.1/8"}, "has host bits set"),
        ({"cidr": "0.0.0.0/0"}, "holds 169.254.169.254"),
        ({"cidr": "169.254.0.0/16"}, "holds 169.254.169.254"),
        ({"cidr": "fd00::/8"}, "holds fd00:ec2::254"),
    ],
)
def test_a_place_that_is_none_or_holds_credentials_is_refused(
    place: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        stack(at=[place])
    with pytest.raises(ValidationError, match=says):
        imagineer(networkPolicy={"egress": [{**place, "ports": [443]}]})


def test_a_destination_names_its_ports() -> None:
    for ports in ([], [0], [65536]):
        with pytest.raises(ValidationError, match="ports"):
            imagineer(networkPolicy={"egress": [{"cidr": "10.0.0.0/8", "ports": ports}]})
