"""What a stack on AWS costs a month, whole."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fleet.cli import app
from fleet.planning import aws_bill, aws_cost
from fleet.planning.aws_cost import Part
from fleet.planning.forecast import Forecast, forecast
from fleet.planning.node_hours import nodes_of
from infra.config import load_file
from infra.models.fleet import FleetConfig
from tests.unit.aws_stack import aws_stack, write_stack_file
from tests.unit.recorder import IMAGINEER

PRICES = {
    "m7i.xlarge": 0.2,
    "g5.xlarge": 1.0,
    "cache.m7g.large": 0.15,
    "eksControlPlane": 0.1,
    "natGateway": 0.05,
    "publicIpv4": 0.005,
    "vpcEndpoint": 0.01,
    "gp3Gib": 0.0001,
}
QUIET = {"perHour": 0.01, "burst": {"tasks": 1, "perDay": 0}}


def stack(**changes: Any) -> FleetConfig:
    return aws_stack(**{"prices": PRICES, **changes})


def forecasts(fleet: FleetConfig) -> list[Forecast]:
    return [forecast(fleet, worker, seeds=1) for worker in fleet.workers]


def bill(fleet: FleetConfig) -> dict[str, Part]:
    return {part.name: part for part in aws_cost.parts(fleet, forecasts(fleet))}


@pytest.fixture(scope="module")
def prod() -> dict[str, Part]:
    return bill(stack())


@pytest.mark.parametrize(
    ("name", "count", "usd"),
    [
        ("EKS control plane", 1, 73.0),
        ("nodes cpu, m7i.xlarge", 2, 292.0),
        ("nodes gpu, g5.xlarge", 0, 0.0),
        ("disks of nodes, GiB", 100, 7.3),
        ("broker, cache.m7g.large", 2, 219.0),
        ("NAT gateways", 3, 109.5),
        ("their public addresses", 3, 10.95),
        ("interface endpoints, by zone", 6, 43.8),
    ],
)
def test_at_rest_every_part_costs_its_number_its_price_and_730_hours(
    prod: dict[str, Part], name: str, count: float, usd: float
) -> None:
    assert prod[name].at_rest == count
    assert prod[name].rest_usd == pytest.approx(usd)


def test_a_single_nat_gateway_and_another_control_plane_are_counted_as_such() -> None:
    changed = {
        "network": {"kind": "new", "nat": "single"},
        "cluster": {"controlPlaneTier": "tier-xl"},
    }

    parts = bill(stack(**changed))

    assert parts["NAT gateways"].at_rest == 1
    assert parts["EKS control plane"].price == "eksControlPlane.tier-xl"


def test_a_network_that_is_there_already_costs_this_stack_nothing() -> None:
    there = {
        "kind": "existing",
        "vpcId": "vpc-12345678",
        "privateSubnetIds": ["subnet-1", "subnet-2"],
    }

    assert not {"NAT gateways", "interface endpoints, by zone"} & set(bill(stack(network=there)))


def test_gpu_nodes_cost_only_under_load(prod: dict[str, Part]) -> None:
    gpu = prod["nodes gpu, g5.xlarge"]

    assert gpu.rest_usd == 0.0
    assert 0 < gpu.under_load <= 4
    assert gpu.load_usd == pytest.approx(gpu.under_load * 730)


def test_a_fleet_that_has_nothing_to_do_costs_under_load_what_it_costs_at_rest() -> None:
    fleet = stack(
        queues={"default": {"objective": QUIET}, "training": {"objective": {**QUIET, "perHour": 0}}}
    )

    gpu = nodes_of(fleet, "gpu", forecasts(fleet))
    cpu = nodes_of(fleet, "cpu", forecasts(fleet))

    assert (gpu.at_rest, gpu.under_load) == (0, 0)
    assert (cpu.at_rest, cpu.under_load) == (2, 2)


def test_a_steady_load_keeps_its_node_through_short_pauses() -> None:
    """Tasks of 900 s, one every half hour: the node idles 600 s between them and seldom goes."""
    often = stack(queues={"training": {"objective": {"burst": {"tasks": 1, "perDay": 0}}}})
    alone = [one for one in forecasts(often) if one.scenario.name == "training"]

    busy_usd = alone[0].busy_usd or 0.0
    nodes = nodes_of(often, "gpu", alone)

    assert nodes.under_load >= busy_usd / 730
    assert 0.6 < nodes.under_load < 1.5


def test_a_burst_that_does_not_fit_beside_the_warm_pods_adds_nodes() -> None:
    bursts = stack(queues={"training": {"objective": {"perHour": 0, "burst": {"perDay": 8}}}})
    rare = stack(queues={"training": {"objective": {"perHour": 0, "burst": {"perDay": 1}}}})

    often, seldom = (
        nodes_of(fleet, "gpu", forecasts(fleet)).under_load for fleet in (bursts, rare)
    )

    assert 0 < seldom < often
    assert often == pytest.approx(8 * seldom)


def test_warm_replicas_that_need_more_nodes_than_stated_are_paid_at_rest() -> None:
    fleet = stack(
        workers={
            "training": {"minReplicaCount": 2, "maxReplicaCount": 3},
        }
    )

    assert nodes_of(fleet, "gpu", forecasts(fleet)).at_rest == 2


def test_never_more_nodes_than_the_group_may_have() -> None:
    busy = stack(
        queues={"training": {"objective": {"perHour": 60, "burst": {"tasks": 50, "perDay": 20}}}}
    )

    assert nodes_of(busy, "gpu", forecasts(busy)).under_load == 4


@pytest.mark.parametrize(("prices", "usd"), [({"g5.xlarge.spot": 0.4}, 0.4), ({}, 1.0)])
def test_spot_nodes_cost_their_own_price_where_it_is_stated(
    prices: dict[str, float], usd: float
) -> None:
    size = {"cpu": 3, "memoryMiB": 14000, "instanceType": "g5.xlarge"}
    cheap = {**size, "nodes": 1, "spot": True}
    fleet = stack(nodeGroups={"cheap": cheap}, prices={**PRICES, **prices})

    assert bill(fleet)["nodes cheap, g5.xlarge, spot"].rest_usd == pytest.approx(usd * 730)


def test_fleet_plan_tells_bill_and_node_updates_of_a_stack_on_aws_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: celery-fleet\n")
    write_stack_file(tmp_path / "Pulumi.prod.yaml", prices=PRICES)
    (tmp_path / "Pulumi.local.yaml").write_text(IMAGINEER.read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELERY_FLEET_STATE", str(tmp_path / "state"))

    prod, local = (CliRunner().invoke(app, ["plan", "--stack", s]) for s in ("prod", "local"))

    assert prod.exit_code == local.exit_code == 0
    assert "EKS control plane" in prod.output.rpartition("AWS, stack prod")[2]
    assert "AWS, stack" not in local.output
    assert "! updates of nodes: EKS waits 15 min" in prod.output
    assert "updates of nodes" not in local.output


def told(parts: Sequence[Part]) -> str:
    written = StringIO()
    Console(file=written, width=100, color_system=None).print(
        aws_bill.table("prod", "eu-central-1", parts)
    )
    return " ".join(written.getvalue().split())


def test_the_table_sums_what_the_parts_cost(prod: dict[str, Part]) -> None:
    rest = sum(part.rest_usd or 0.0 for part in prod.values())

    written = told(list(prod.values()))

    assert f"together {rest:,.0f}" in written
    assert "without a price" not in written


def test_a_part_without_a_price_is_named_and_makes_the_sum_a_least() -> None:
    without = {key: price for key, price in PRICES.items() if key != "natGateway"}

    written = told(list(bill(stack(prices=without)).values()))

    assert "without a price in prices: natGateway" in written
    assert "together at least" in written


@pytest.mark.parametrize("name", ["prod", "staging"])
def test_a_shipped_stack_prices_all_it_has_and_its_budget_covers_what_it_declares(
    name: str,
) -> None:
    fleet = load_file(IMAGINEER.parents[1] / f"Pulumi.{name}.yaml")
    parts = aws_cost.parts(fleet, forecasts(fleet))
    budget_usd = fleet.alarms.monthly_budget_usd

    assert aws_cost.unpriced(parts) == []
    assert budget_usd is not None
    assert sum(part.load_usd or 0.0 for part in parts) <= budget_usd
