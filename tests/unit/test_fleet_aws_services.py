"""What EKS, ElastiCache, IAM and the alarms lack for a stack, judged on values as AWS answers."""

import datetime as dt
from typing import Any

import pytest

from fleet.aws import service_checks
from fleet.aws.finding import Finding
from fleet.aws.readings import KubernetesVersion
from infra.models.elasticache import ElastiCacheBroker
from tests.unit.aws_stack import aws_stack, bad, hints

TODAY = dt.date(2026, 11, 21)
VERSIONS = [
    KubernetesVersion("1.36", "STANDARD_SUPPORT", dt.date(2027, 8, 2)),
    KubernetesVersion("1.34", "STANDARD_SUPPORT", dt.date(2026, 12, 2)),
    KubernetesVersion("1.33", "EXTENDED_SUPPORT", dt.date(2026, 7, 29)),
]
CACHES = {"7.2.6": "valkey7", "8.0": "valkey8", "8.1": "valkey8"}


def eks(**cluster: str) -> list[Finding]:
    spec: Any = aws_stack(cluster=cluster).cluster
    return list(service_checks.eks_findings(spec, VERSIONS, TODAY))


def test_a_supported_version_tells_its_end() -> None:
    assert [one.subject for one in eks()] == [
        "Kubernetes 1.36, in standard support until 2027-08-02"
    ]


def test_a_version_that_eks_does_not_make_is_told_with_those_it_does() -> None:
    (told,) = bad(eks(version="1.40"))

    assert "set cluster.version to one of 1.34, 1.36" in told


def test_a_version_past_standard_support_fails_unless_extended_support_is_asked_for() -> None:
    assert "ended on 2026-07-29" in bad(eks(version="1.33"))[0]
    assert not bad(eks(version="1.33", support="EXTENDED"))
    assert "six times" in hints(eks(version="1.33", support="EXTENDED"))[0]


def test_the_near_end_of_standard_support_is_a_hint() -> None:
    assert "standard support ends on 2026-12-02" in hints(eks(version="1.34"))[0]


def cache(*, offered: bool = True, **broker: Any) -> list[Finding]:
    spec = ElastiCacheBroker.model_validate({"kind": "elasticache", **broker})
    return list(service_checks.cache_findings(spec, CACHES, node_type_offered=offered))


@pytest.mark.parametrize("version", ["8.1", "7.2"])
def test_an_engine_version_is_found_by_itself_or_by_its_patches(version: str) -> None:
    assert not bad(cache(version=version))


def test_an_unknown_engine_version_is_told_with_the_offered_ones() -> None:
    (told,) = bad(cache(version="9.9"))

    assert "valkey 9.9: ElastiCache does not offer this version" in told
    assert "7.2.6, 8.0, 8.1" in told


def test_a_version_of_another_parameter_family_is_told() -> None:
    (told,) = bad(cache(engine="redis", version="8.1"))

    assert "family is valkey8, but redis8 would be made" in told


def test_a_node_type_that_is_not_offered_is_told() -> None:
    (told,) = bad(cache(offered=False, nodeType="cache.m99.large"))

    assert "broker.nodeType cache.m99.large" in told


def test_missing_service_roles_are_hints_and_spot_counts_only_where_it_is_used() -> None:
    there = {"eks.amazonaws.com", "autoscaling.amazonaws.com", "eks-nodegroup.amazonaws.com"}
    there |= {"elasticfilesystem.amazonaws.com", "backup.amazonaws.com"}

    plain = list(service_checks.role_findings(aws_stack(), there))
    cheap = {"spot": True, "cpu": 3, "memoryMiB": 14000, "instanceType": "m7i.xlarge"}
    spot = aws_stack(nodeGroups={"cheap": cheap})

    assert not bad(plain)
    assert [one.split(":")[0] for one in hints(plain)] == ["AWSServiceRoleForElastiCache"]
    assert "AWSServiceRoleForEC2Spot" in hints(service_checks.role_findings(spot, there))[0]


def test_roles_of_shared_files_and_of_their_backups_are_looked_for_where_they_are_made() -> None:
    def missing(**changes: Any) -> set[str]:
        found = hints(service_checks.role_findings(aws_stack(**changes), set()))
        return {one.split(":")[0] for one in found}

    files, backups = "AWSServiceRoleForAmazonElasticFileSystem", "AWSServiceRoleForBackup"
    assert {files, backups} <= missing(protect=True)
    assert missing(protect=True) - missing(protect=False) == {backups}


def test_alarms_that_nobody_hears_fail_in_prod_only() -> None:
    silent = aws_stack(alarms={"emails": [], "monthlyBudgetUsd": None}).alarms

    prod = list(service_checks.alarm_findings(silent, prod=True))
    staging = list(service_checks.alarm_findings(silent, prod=False))

    assert len(bad(prod)) == 1
    assert not bad(staging)
    assert "monthlyBudgetUsd" in hints(prod)[0]


def reach(*cidrs: str) -> list[Finding]:
    spec: Any = aws_stack(cluster={"publicAccessCidrs": list(cidrs)}).cluster
    return list(service_checks.reach_findings(spec))


def test_an_api_server_for_a_range_of_examples_is_told() -> None:
    assert not reach("198.18.0.0/24")
    assert "nobody's" in bad(reach("203.0.113.7/32"))[0]


def test_an_api_server_inside_the_vpc_only_is_a_hint() -> None:
    assert "inside the VPC only" in hints(reach())[0]


def test_an_address_for_examples_hears_no_alarm() -> None:
    alarms = aws_stack(alarms={"emails": ["a@fleet.test", "b@mail.example.com"]}).alarms

    (told,) = bad(service_checks.alarm_findings(alarms, prod=True))

    assert "b@mail.example.com" in told
