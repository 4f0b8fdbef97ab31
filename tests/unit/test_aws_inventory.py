"""What is left in an account after `destroy` is told, of whatever kind it is."""

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from moto.core import DEFAULT_ACCOUNT_ID

from rehearsal.cloud import inventory, program
from rehearsal.cloud.clients import Clients
from tests.engine.aws_project import REGION, running

ROLE = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/role"
CLUSTER = {"clusterName": "fleet"}
SIZES = {"minSize": 0, "maxSize": 1, "desiredSize": 0}
BUDGET = {
    "BudgetName": "fleet-month",
    "BudgetLimit": {"Amount": "1", "Unit": "USD"},
    "TimeUnit": "MONTHLY",
    "BudgetType": "COST",
}


@pytest.fixture(scope="module")
def account() -> Iterator[Clients]:
    """A process has one AWS, which other tests find empty."""
    with running() as aws:
        yield Clients(aws.endpoint, REGION, program.ACCESS_KEY)


@pytest.mark.parametrize("one", inventory.LISTINGS, ids=lambda one: f"{one.service}-{one.call}")
def test_a_listing_reads_what_its_service_answers(one: inventory.Listing) -> None:
    model = botocore.session.get_session().get_service_model(one.service)
    (call,) = [name for name in model.operation_names if xform_name(name) == one.call]

    assert one.name in model.operation_model(call).output_shape.members[one.key].member.members


@pytest.fixture
def network(account: Clients) -> Iterator[tuple[str, list[str]]]:
    """A VPC and its subnets, in two zones."""
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )
        for number, zone in enumerate("ab")
    ]
    subnets = [each["Subnet"]["SubnetId"] for each in made]
    yield vpc, subnets
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    assert inventory.left(account) == []


def test_a_network_and_its_gateways_are_named(
    account: Clients, network: tuple[str, list[str]]
) -> None:
    vpc, subnets = network
    ec2 = account.client("ec2")
    gateway = ec2.create_nat_gateway(SubnetId=subnets[0], ConnectivityType="private")
    service = f"com.amazonaws.{REGION}.s3"
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=service, VpcEndpointType="Interface", SubnetIds=subnets
    )["VpcEndpoint"]

    nat = gateway["NatGateway"]["NatGatewayId"]
    left = [vpc, *subnets, nat, endpoint["VpcEndpointId"]]
    assert inventory.left(account) == sorted(f"ec2: {each}" for each in left)

    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])


@pytest.mark.parametrize(
    ("kind", "wanted", "name"),
    [
        ("nodegroup", {"nodegroupName": "cpu", "nodeRole": ROLE, "scalingConfig": SIZES}, "cpu"),
        ("addon", {"addonName": "coredns"}, "coredns"),
        ("access_entry", {"principalArn": ROLE}, ROLE),
    ],
)
def test_a_cluster_and_its_members_are_named(
    account: Clients,
    network: tuple[str, list[str]],
    kind: str,
    wanted: dict[str, Any],
    name: str,
) -> None:
    _, subnets = network
    eks = account.client("eks")
    eks.create_cluster(name="fleet", roleArn=ROLE, resourcesVpcConfig={"subnetIds": subnets})
    more = {"subnets": subnets} if kind == "nodegroup" else {}
    getattr(eks, f"create_{kind}")(**CLUSTER, **wanted, **more)

    assert {"eks: fleet", f"eks: fleet/{name}"} <= set(inventory.left(account))

    (key, _), *_ = wanted.items()
    getattr(eks, f"delete_{kind}")(**CLUSTER, **{key: wanted[key]})
    eks.delete_cluster(name="fleet")


def test_a_pod_identity_is_named(account: Clients, network: tuple[str, list[str]]) -> None:
    eks = account.client("eks")
    eks.create_cluster(name="fleet", roleArn=ROLE, resourcesVpcConfig={"subnetIds": network[1]})
    made = eks.create_pod_identity_association(
        **CLUSTER, namespace="keda", serviceAccount="keda", roleArn=ROLE
    )["association"]

    assert f"eks: fleet/{made['associationId']}" in inventory.left(account)

    eks.delete_pod_identity_association(**CLUSTER, associationId=made["associationId"])
    eks.delete_cluster(name="fleet")


def test_a_budget_is_named(account: Clients) -> None:
    budgets = account.client("budgets")
    budgets.create_budget(AccountId=DEFAULT_ACCOUNT_ID, Budget=BUDGET)

    assert inventory.left(account) == ["budgets: fleet-month"]

    budgets.delete_budget(AccountId=DEFAULT_ACCOUNT_ID, BudgetName="fleet-month")
    assert inventory.left(account) == []


def test_a_key_on_its_way_out_does_not_count(account: Clients) -> None:
    kms, sns = account.client("kms"), account.client("sns")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    topic = sns.create_topic(Name="alarms")["TopicArn"]

    assert inventory.left(account) == [f"kms: {key}", f"sns: {topic}"]

    kms.schedule_key_deletion(KeyId=key)
    sns.delete_topic(TopicArn=topic)
    assert inventory.left(account) == []
