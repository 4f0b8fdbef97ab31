"""What an account lacks for a stack's network and nodes, judged on values as AWS answers them."""

from collections.abc import Iterable
from typing import Any

import pytest

from fleet.aws import node_checks, quotas
from fleet.aws.finding import Finding
from fleet.aws.quotas import ELASTIC_IPS, VPCS, Quota, Reading, vcpu_quota
from fleet.aws.readings import InstanceType, Subnet, Zone
from infra.models.cluster import NodeGroupSpec
from infra.models.network import ExistingNetwork
from tests.unit.aws_stack import REGION, aws_stack, bad, hints
from tests.unit.recorder import imagineer

G5 = InstanceType("g5.xlarge", 4, 16384, 1, "NVIDIA", ("x86_64",), spot=True)
M7I = InstanceType("m7i.xlarge", 4, 16384, 0, None, ("x86_64",), spot=True)
TYPES = {one.name: one for one in (G5, M7I)}
ZONES = [f"{REGION}{letter}" for letter in "abc"]
GPU = vcpu_quota("g5.xlarge", spot=False)


@pytest.mark.parametrize(
    ("instance_type", "spot", "code"),
    [
        ("m7i.xlarge", False, "L-1216C47A"),
        ("im4gn.large", False, "L-1216C47A"),
        ("m7g.large", True, "L-34B43A08"),
        ("g5.xlarge", False, "L-DB2E81BA"),
        ("gr6.4xlarge", False, "L-DB2E81BA"),
        ("g6e.xlarge", True, "L-3819A6DF"),
        ("p5en.48xlarge", False, "L-417A185B"),
        ("p4d.24xlarge", True, "L-7212CCBC"),
        ("p5.48xlarge", True, "L-C4BD4855"),
    ],
)
def test_vcpus_count_against_the_quota_of_family_and_purchase(
    instance_type: str, *, spot: bool, code: str
) -> None:
    quota = vcpu_quota(instance_type, spot=spot)

    assert quota is not None
    assert quota.code == code


@pytest.mark.parametrize(("name", "spot"), [("p6-b200.48xlarge", True), ("mac2.metal", False)])
def test_a_family_without_a_known_quota_is_not_guessed(name: str, *, spot: bool) -> None:
    assert vcpu_quota(name, spot=spot) is None


def vcpus(limit: float, used: int = 0) -> list[Finding]:
    groups = aws_stack().node_groups
    plenty: dict[Quota, Reading] = dict.fromkeys(quotas.vcpu_quotas(groups), Reading(1000, 0))
    assert GPU is not None
    return list(quotas.vcpu_findings(groups, TYPES, {**plenty, GPU: Reading(limit, used)}, REGION))


def test_a_gpu_quota_below_the_vcpus_of_all_nodes_names_code_lack_and_command() -> None:
    (told,) = bad(vcpus(limit=8))

    assert "16 asked for: the quota is 8 vCPUs short" in told
    assert "--quota-code L-DB2E81BA --desired-value 16" in told
    assert f"--region {REGION}" in told
    assert "gpu 4 x 4 of g5.xlarge" in told


def test_what_others_run_counts_against_the_quota() -> None:
    assert not bad(vcpus(limit=16))
    assert "4 taken by others" in bad(vcpus(limit=16, used=4))[0]


@pytest.mark.parametrize(("free", "short"), [(3, 0), (2, 1)])
def test_every_nat_gateway_needs_an_address(free: int, short: int) -> None:
    read = {ELASTIC_IPS: Reading(5, 5 - free), VPCS: Reading(5, 1)}

    told = bad(quotas.room_for_network(3, read, REGION))

    assert len(told) == bool(short)
    assert all(f"the quota is {short} addresses short" in one for one in told)


def test_a_full_vpc_quota_is_told() -> None:
    read = {ELASTIC_IPS: Reading(5, 0), VPCS: Reading(5, 5)}

    (told,) = bad(quotas.room_for_network(1, read, REGION))

    assert "VPCs per Region" in told
    assert "network.vpcId" in told


def test_a_misspelt_region_is_answered_with_the_nearest() -> None:
    (told,) = bad(node_checks.region_findings("eu-centrl-1", {"eu-central-1": True, "x": True}))

    assert "set aws:region, as to one of eu-central-1" in told


def test_a_region_that_is_off_is_told_with_the_command_that_enables_it() -> None:
    (told,) = bad(node_checks.region_findings("me-south-1", {"me-south-1": False}))

    assert "aws account enable-region --region-name me-south-1" in told


def test_a_zone_that_is_missing_or_closed_to_eks_is_told() -> None:
    there = [Zone("us-east-1a", "use1-az1"), Zone("us-east-1c", "use1-az3")]

    told = bad(node_checks.zone_findings(["us-east-1a", "us-east-1c", "us-east-1z"], there))

    assert [one.split(":")[0] for one in told] == ["zone us-east-1c (use1-az3)", "zone us-east-1z"]
    assert all("letters of us-east-1a" in one for one in told)


EXISTING = ExistingNetwork(
    kind="existing", vpc_id="vpc-12345678", private_subnet_ids=("subnet-1", "subnet-2")
)


def test_subnets_of_another_vpc_or_of_one_zone_are_told() -> None:
    there = [
        Subnet("subnet-1", "vpc-12345678", f"{REGION}a", 200),
        Subnet("subnet-2", "vpc-99999999", f"{REGION}a", 200),
    ]

    other_vpc, one_zone = bad(node_checks.subnet_findings(EXISTING, there))

    assert "subnet-2: it belongs to vpc-99999999, not vpc-12345678" in other_vpc
    assert "need two zones" in one_zone


def test_a_subnet_that_is_not_there_is_told() -> None:
    there = [Subnet("subnet-1", "vpc-12345678", f"{REGION}a", 200)]

    assert any("subnet-2: there is no such subnet" in one for one in bad(
        node_checks.subnet_findings(EXISTING, there)
    ))  # fmt: skip


def node(one: InstanceType | None, offered: Iterable[str] = ZONES, **group: Any) -> list[Finding]:
    stated = aws_stack().node_groups["gpu"].model_dump(by_alias=True)
    spec = NodeGroupSpec.model_validate({**stated, **group})
    return list(node_checks.type_findings("gpu", spec, one, frozenset(offered), ZONES))


def test_a_type_that_every_zone_has_is_well() -> None:
    assert [one.state for one in node(G5)] == ["ok"]


def test_a_type_that_the_region_lacks_is_told() -> None:
    (told,) = bad(node(None, instanceType="g9.xlarge"))

    assert "nodeGroups.gpu: g9.xlarge: the region has no such instance type" in told


def test_a_type_offered_in_other_zones_only_is_told_with_them() -> None:
    (told,) = bad(node(G5, [f"{REGION}d"]))

    assert f"offered in {REGION}d, none of the stack's zones" in told


def test_a_type_in_some_zones_is_a_hint() -> None:
    found = node(G5, ZONES[:1])

    assert not bad(found)
    assert "capacity of 1 of 3 zones" in hints(found)[0]


@pytest.mark.parametrize(
    ("stated", "real"),
    [
        ({"cpu": 8}, "g5.xlarge has 4 vCPUs"),
        ({"memoryMiB": 32768}, "g5.xlarge has 16384 MiB"),
        ({"gpu": 2}, "g5.xlarge has 1 GPUs"),
    ],
)
def test_a_node_that_holds_less_than_is_stated_is_told(stated: dict[str, Any], real: str) -> None:
    (told,) = bad(node(G5, **stated))

    assert f"nodeGroups.gpu.{next(iter(stated))} is" in told
    assert real in told


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"gpu_maker": "AMD"}, "its GPUs are AMD's"),
        ({"spot": False}, "not sold as a spot instance"),
        ({"architectures": ("arm64",)}, "its processor is arm64"),
    ],
)
def test_a_type_that_cannot_run_the_fleet_is_told(changed: dict[str, Any], problem: str) -> None:
    (told,) = bad(node(G5._replace(**changed), spot=True))

    assert problem in told


def test_workers_that_outlast_an_update_of_nodes_are_named_with_their_grace() -> None:
    def hints_with(limit_s: int) -> list[str]:
        limits = {"timeLimitSeconds": limit_s, "softTimeLimitSeconds": limit_s - 10}
        queues = {"default": {**limits}, "training": {"class": "interactive"}}
        return hints(node_checks.update_findings(aws_stack(queues=queues)))

    # The grace is 60 s above the hard limit.
    (told,) = hints_with(841)
    assert "EKS waits 15 min" in told
    assert "grace of default (15 min)" in told
    assert "training" not in told
    assert hints_with(840) == []
    assert list(node_checks.update_findings(imagineer())) == []
