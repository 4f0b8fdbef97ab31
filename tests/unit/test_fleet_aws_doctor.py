"""`fleet doctor --aws` as the operator sees it.

Where moto 5.2.5 lacks a call, botocore's Stubber answers, as in test_fleet_aws_account.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws
from typer.testing import CliRunner, Result

from fleet.aws import account as accounts
from fleet.aws.account import Account
from fleet.cli import app
from tests.unit.aws_stack import REGION, SECRET, examined, log_in, shortfalls, write_stack_file

QUOTAS = {"VPCs": 5.0, "addresses": 5.0, "standard vCPUs": 64.0, "GPU vCPUs": 32.0}
ROLES = ("eks", "eks-nodegroup", "autoscaling", "elasticache")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account in moto that has what the stack needs, but for what is stubbed."""
    log_in(monkeypatch)
    with mock_aws():
        made = accounts.connect(REGION)
        for role in ROLES:
            made.client("iam").create_service_linked_role(AWSServiceName=f"{role}.amazonaws.com")
        monkeypatch.setattr(accounts, "connect", lambda _: made)
        yield made


@pytest.fixture
def stubbed(account: Account) -> Iterator[dict[str, Stubber]]:
    """Stubbers of the three services that moto lacks calls of."""
    with ExitStack() as stack:
        services = ("service-quotas", "eks", "elasticache")
        yield {name: stack.enter_context(Stubber(account.client(name))) for name in services}


def answer(
    stubbed: dict[str, Stubber], quotas: dict[str, float] | None = None, engine: str = "8.1"
) -> None:
    """What the stubbed services say, in the order they are asked."""
    for value in {**QUOTAS, **(quotas or {})}.values():
        stubbed["service-quotas"].add_response("get_service_quota", {"Quota": {"Value": value}})
    version = {"clusterVersion": "1.36", "versionStatus": "STANDARD_SUPPORT"}
    stubbed["eks"].add_response("describe_cluster_versions", {"clusterVersions": [version]})
    engines = [{"EngineVersion": engine, "CacheParameterGroupFamily": "valkey8"}]
    cache = stubbed["elasticache"]
    cache.add_response("describe_cache_engine_versions", {"CacheEngineVersions": engines})
    offering = {"CacheNodeType": "cache.m7g.large"}
    cache.add_response(
        "describe_reserved_cache_nodes_offerings", {"ReservedCacheNodesOfferings": [offering]}
    )


def invoke(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Result:
    (folder / "Pulumi.yaml").write_text("name: celery-fleet\n")
    write_stack_file(folder / "Pulumi.prod.yaml", **changes)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CELERY_FLEET_STATE", str(folder / "state"))
    return CliRunner().invoke(app, ["doctor", "--aws"], env={"COLUMNS": "160"})


def test_an_account_that_has_everything_ends_with_zero_and_shows_no_secret(
    stubbed: dict[str, Stubber], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(stubbed)

    done = invoke(tmp_path, monkeypatch)

    assert done.exit_code == 0, done.output
    assert "account 123456789012" in done.output
    assert "nothing found that would stop pulumi up" in done.output
    assert "BAD" not in done.output
    assert SECRET not in done.output


def test_a_quota_that_is_too_small_ends_with_one_and_names_the_command(
    stubbed: dict[str, Stubber], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(stubbed, {"GPU vCPUs": 0.0})

    done = invoke(tmp_path, monkeypatch)

    assert done.exit_code == 1
    assert "Running On-Demand G and VT instances: 0 vCPUs" in done.output
    assert "--quota-code L-DB2E81BA" in done.output
    assert "shortfalls: 1" in done.output


def test_every_check_only_reads(account: Account, stubbed: dict[str, Stubber]) -> None:
    answer(stubbed)
    called: list[str] = []
    # Clients that are made from now on copy the session's.
    for events in (*(one.meta.events for one in account._clients.values()), account.session.events):
        events.register("before-parameter-build", lambda model, **_: called.append(model.name))

    examined()

    assert "DescribeClusterVersions" in called
    assert all(name.startswith(("Describe", "Get", "List")) for name in called), called


def test_a_region_that_is_switched_off_ends_the_questions(account: Account) -> None:
    """EC2 at home is a Stubber: moto switches no region of ours off."""
    regions = [{"RegionName": REGION, "OptInStatus": "not-opted-in"}]
    with Stubber(account.client("ec2", at_home=True)) as ec2:
        ec2.add_response("describe_regions", {"Regions": regions})
        found = examined()

    assert [title for title, _ in found] == ["credentials", "region"]
    assert "enable-region" in shortfalls(found)["region"]


def test_a_refused_question_is_a_shortfall_and_the_others_are_still_asked(
    stubbed: dict[str, Stubber],
) -> None:
    stubbed["service-quotas"].add_client_error("get_service_quota", "AccessDeniedException")
    answer(stubbed)

    found = examined()

    assert (
        "may not ask this (GetServiceQuota: AccessDeniedException)" in shortfalls(found)["network"]
    )
    assert {"vCPU quotas", "EKS", "ElastiCache", "roles", "alarms"} <= {t for t, _ in found}


def test_a_type_that_is_not_offered_and_an_unknown_engine_version_are_told(
    stubbed: dict[str, Stubber],
) -> None:
    answer(stubbed, engine="8.0")

    told = shortfalls(examined(nodeGroups={"gpu": {"instanceType": "g99.xlarge"}}))

    assert "g99.xlarge: the region has no such instance type" in told["nodes"]
    assert "set broker.version to one of 8.0" in told["ElastiCache"]


def test_a_stack_that_owns_nothing_on_aws_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: celery-fleet\n")
    template = Path(__file__).resolve().parents[2] / "stacks" / "imagineer.yaml"
    (tmp_path / "Pulumi.local.yaml").write_text(template.read_text())
    monkeypatch.chdir(tmp_path)

    done = CliRunner().invoke(app, ["doctor", "--aws", "--stack", "local"])

    assert done.exit_code == 1
    assert "stack local owns nothing on AWS" in done.stderr


def test_a_missing_region_names_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = invoke(tmp_path, monkeypatch, region=None)

    assert done.exit_code == 1
    assert "aws:region is missing" in done.stderr
