"""What is read from AWS, by boto3 against moto.

moto 5.2.5 has no EC2 quotas in Service Quotas, and lacks EKS' `DescribeClusterVersions` and
ElastiCache's `DescribeCacheEngineVersions` and `DescribeReservedCacheNodesOfferings`. There
botocore's Stubber answers in place of AWS; it still checks each request and each answer's shape.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from fleet.aws import account as accounts
from fleet.aws import readers
from fleet.aws.account import Account
from fleet.aws.quotas import ELASTIC_IPS, VPCS, Quota, vcpu_quota
from fleet.aws.readings import KubernetesVersion
from tests.unit.aws_stack import REGION, log_in

NONE_SUCH = ("NoSuchResourceException", "no such quota")
OWN = {"project": "celery-fleet", "stack": "prod"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    log_in(monkeypatch)
    with mock_aws():
        yield accounts.connect(REGION)


def tags(**given: str) -> list[dict[str, str]]:
    return [{"Key": key.replace("__", ":").replace("_", "-"), "Value": given[key]} for key in given]


def gpu_quota() -> Quota:
    found = vcpu_quota("g5.xlarge", spot=False)
    assert found is not None
    return found


def run_instances(account: Account, count: int, **asked: Any) -> None:
    account.client("ec2").run_instances(
        ImageId="ami-03cf127a",
        MinCount=count,
        MaxCount=count,
        InstanceType="g5.xlarge",
        **asked,
    )


def test_sts_says_whose_the_credentials_are(account: Account) -> None:
    who = accounts.identity(account)

    assert who.account == "123456789012"
    assert who.arn.startswith("arn:aws:sts::123456789012:")
    assert who.asked_at is None


def test_an_endpoint_in_place_of_aws_is_named(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STS is a Stubber: nothing listens at the endpoint."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://stand-in.test:5000")
    answer = {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ops"}
    with Stubber(account.client("sts", at_home=True)) as stub:
        stub.add_response("get_caller_identity", answer)

        assert accounts.identity(account).asked_at == "stand-in.test"


def test_regions_are_asked_where_every_account_may_ask(account: Account) -> None:
    known = accounts.regions(account)

    assert known[REGION] is True
    assert known["ap-east-2"] is False
    assert account.client("sts", at_home=True).meta.region_name == "us-east-1"


def test_an_unknown_type_is_left_out_and_does_not_hide_the_known_one(account: Account) -> None:
    types = readers.instance_types(account, {"g5.xlarge", "g9.madeup"})

    assert list(types) == ["g5.xlarge"]
    assert types["g5.xlarge"].vcpus == 4
    assert types["g5.xlarge"].gpus == 1
    assert types["g5.xlarge"].gpu_maker == "NVIDIA"
    assert types["g5.xlarge"].spot


def test_zones_are_read_by_type(account: Account) -> None:
    offered = readers.offered_zones(account, {"g5.xlarge", "g9.madeup"})

    assert offered == {"g5.xlarge": {zone.name for zone in readers.zones(account)}}


def test_nodes_of_the_stacks_own_cluster_do_not_count_as_taken(account: Account) -> None:
    mine = [{"ResourceType": "instance", "Tags": tags(eks__cluster_name="fleet-prod")}]
    run_instances(account, 2)
    run_instances(account, 3, TagSpecifications=mine)

    assert readers.running(account, "fleet-prod") == {("g5.xlarge", False): 2}
    assert readers.running(account, "other") == {("g5.xlarge", False): 5}


def test_vcpus_of_running_instances_count_against_the_stubbed_quota(account: Account) -> None:
    """Service Quotas is a Stubber: moto has no EC2 quotas."""
    run_instances(account, 2)

    with Stubber(account.client("service-quotas")) as stub:
        stub.add_response("get_service_quota", {"Quota": {"Value": 8.0}})
        read = readers.vcpu_readings(account, [gpu_quota()], "fleet-prod")

    assert read == {gpu_quota(): (8.0, 8)}


def test_without_a_granted_quota_the_stubbed_default_counts(account: Account) -> None:
    """Service Quotas is a Stubber: moto has no EC2 quotas."""
    asked = {"ServiceCode": "ec2", "QuotaCode": "L-DB2E81BA"}
    with Stubber(account.client("service-quotas")) as stub:
        stub.add_client_error("get_service_quota", *NONE_SUCH, expected_params=asked)
        stub.add_response("get_aws_default_service_quota", {"Quota": {"Value": 0.0}}, asked)

        assert readers.limit(account, gpu_quota()) == 0.0


def test_a_refused_quota_question_is_no_default(account: Account) -> None:
    """Service Quotas is a Stubber: moto refuses nobody here."""
    with Stubber(account.client("service-quotas")) as stub:
        stub.add_client_error("get_service_quota", "AccessDeniedException")

        with pytest.raises(ClientError, match="AccessDenied"):
            readers.limit(account, gpu_quota())


def test_own_vpc_and_addresses_do_not_count_as_taken(account: Account) -> None:
    """The Elastic IP quota is a Stubber's; VPCs, addresses and tags are moto's."""
    ec2 = account.client("ec2")
    mine = tags(project="celery-fleet", stack="prod")
    theirs = tags(project="celery-fleet", stack="staging")
    for own in (mine, theirs):
        for kind, make in (("vpc", ec2.create_vpc), ("elastic-ip", ec2.allocate_address)):
            given = {"CidrBlock": "10.0.0.0/16"} if kind == "vpc" else {"Domain": "vpc"}
            make(**given, TagSpecifications=[{"ResourceType": kind, "Tags": own}])

    with Stubber(account.client("service-quotas")) as stub:
        for value in (7.0, 5.0):
            stub.add_response("get_service_quota", {"Quota": {"Value": value}})
        read = readers.network_readings(account, OWN)

    # The account's default VPC is one of the two.
    assert read == {VPCS: (7.0, 2), ELASTIC_IPS: (5.0, 1)}


def test_the_vpc_quota_is_read_from_moto(account: Account) -> None:
    assert readers.limit(account, VPCS) == 5.0


def test_subnets_that_are_not_there_are_left_out(account: Account) -> None:
    there = account.client("ec2").describe_subnets()["Subnets"][0]

    (found,) = readers.subnets(account, [there["SubnetId"], "subnet-0123456789abcdef0"])

    assert (found.id, found.vpc_id, found.zone) == (
        there["SubnetId"],
        there["VpcId"],
        there["AvailabilityZone"],
    )


def test_linked_roles_are_known_by_their_service(account: Account) -> None:
    account.client("iam").create_service_linked_role(AWSServiceName="spot.amazonaws.com")

    assert readers.service_roles(account) == {"spot.amazonaws.com"}


def test_eks_versions_are_read_with_their_support(account: Account) -> None:
    """EKS is a Stubber: moto lacks DescribeClusterVersions."""
    until = dt.datetime(2027, 8, 2, tzinfo=dt.UTC)
    answers = [
        {
            "clusterVersion": "1.36",
            "versionStatus": "STANDARD_SUPPORT",
            "endOfStandardSupportDate": until,
        },
        {"clusterVersion": "1.30", "status": "extended-support"},
    ]
    with Stubber(account.client("eks")) as stub:
        stub.add_response("describe_cluster_versions", {"clusterVersions": answers})
        found = readers.kubernetes_versions(account)

    assert found == [
        KubernetesVersion("1.36", "STANDARD_SUPPORT", until.date()),
        KubernetesVersion("1.30", "EXTENDED_SUPPORT", None),
    ]


def test_engine_versions_and_node_types_are_read(account: Account) -> None:
    """ElastiCache is a Stubber: moto lacks both calls."""
    version = {"EngineVersion": "8.1", "CacheParameterGroupFamily": "valkey8"}
    with Stubber(account.client("elasticache")) as stub:
        stub.add_response(
            "describe_cache_engine_versions",
            {"CacheEngineVersions": [version]},
            {"Engine": "valkey"},
        )
        stub.add_response(
            "describe_reserved_cache_nodes_offerings",
            {"ReservedCacheNodesOfferings": []},
            {"CacheNodeType": "cache.m99.large"},
        )

        assert readers.cache_versions(account, "valkey") == {"8.1": "valkey8"}
        assert not readers.cache_node_offered(account, "cache.m99.large")
