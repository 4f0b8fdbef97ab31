"""The AWS stand-in under the real CLI: what a Pulumi user sees, and what AWS then has."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.toolchain import Tools
from tests.engine.aws_project import Aws, on_aws, program, running
from tests.engine.project import Project

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with running() as found:
        yield found


@pytest.fixture
def account(tmp_path: Path, tools: Tools, plugin_folder: Path, aws: Aws) -> Iterator[Project]:
    project = on_aws(tmp_path / "project", tools, plugin_folder, aws.endpoint)
    yield project
    project.succeed("destroy", "--yes", "--skip-preview")


def test_a_stack_is_previewed_made_left_alone_refreshed_and_destroyed(
    account: Project, aws: Aws
) -> None:
    account.write(program())

    foretold = account.succeed("preview")
    assert "+ 24 to create" in foretold
    assert not any(aws.left().values())

    account.up()
    assert aws.client("eks").describe_cluster(name="trial")["cluster"]["status"] == "ACTIVE"
    account.up("--expect-no-changes")
    account.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    account.succeed("preview", "--expect-no-changes")

    account.succeed("destroy", "--yes", "--skip-preview")
    assert aws.left() == {kind: [] for kind in aws.left()}


def test_secrets_are_encrypted_in_the_state_and_not_shown(account: Project) -> None:
    account.write(program())
    shown = account.up()

    password = account.output("password")
    assert len(password) == 32
    assert password not in account.succeed("stack", "export")
    assert password not in shown
    user = account.resources()["worker"]
    assert "ciphertext" in json.dumps(user["outputs"]["passwords"])


def test_a_changed_tag_and_a_changed_size_are_updated_in_place(account: Project, aws: Aws) -> None:
    account.write(program())
    account.up()
    before = {name: found["id"] for name, found in account.resources().items() if "id" in found}

    account.write(program(stage="two", nodes="3"))
    account.up()

    after = {name: found["id"] for name, found in account.resources().items() if "id" in found}
    assert after == before
    [vpc] = aws.left()["vpcs"]
    assert {tag["Key"]: tag["Value"] for tag in vpc["Tags"]} == {"fleet": "trial", "stage": "two"}
    [name] = aws.client("eks").list_nodegroups(clusterName="trial")["nodegroups"]
    group = aws.client("eks").describe_nodegroup(clusterName="trial", nodegroupName=name)
    assert group["nodegroup"]["scalingConfig"]["maxSize"] == 3
    assert group["nodegroup"]["tags"]["stage"] == "two"
    account.up("--expect-no-changes")


def test_what_cannot_be_changed_in_place_is_replaced(account: Project, aws: Aws) -> None:
    queue = """
group_of_its_own = aws.ec2.SecurityGroup("other", vpc_id=vpc.id, description="{told}")
aws.sns.Topic("named", name="{name}")
"""
    account.write(program(more=queue.format(told="one", name="one")))
    account.up()
    before = account.resources()

    account.write(program(more=queue.format(told="two", name="two")))
    assert "2 to replace" in account.succeed("preview")
    account.up()

    after = account.resources()
    changed = {n for n in after if after[n].get("id") != before[n].get("id")}
    assert changed == {"other", "named"}
    arns = [topic["TopicArn"].rpartition(":")[2] for topic in aws.left()["topics"]]
    assert "two" in arns
    assert "one" not in arns


def test_drift_is_seen_by_refresh_and_mended_by_the_next_up(account: Project, aws: Aws) -> None:
    account.write(program())
    account.up()
    [vpc] = aws.left()["vpcs"]
    aws.client("ec2").create_tags(
        Resources=[vpc["VpcId"]], Tags=[{"Key": "stage", "Value": "by hand"}]
    )
    [alarm] = aws.left()["alarms"]
    aws.client("cloudwatch").delete_alarms(AlarmNames=[alarm["AlarmName"]])

    account.succeed("refresh", "--yes", "--skip-preview")
    assert account.resources()["vpc"]["inputs"]["tags"]["stage"] == "by hand"
    assert "memory" not in account.resources()

    account.up()
    [vpc] = aws.left()["vpcs"]
    assert {"Key": "stage", "Value": "one"} in vpc["Tags"]
    assert aws.left()["alarms"]


@pytest.mark.parametrize(
    ("action", "code", "said"),
    [
        (
            "CreateAddon",
            "InvalidRequestException",
            "eks Addon dns was not created: InvalidRequestException: out of luck",
        ),
        (
            "ModifyCacheParameterGroup",
            "InvalidCacheParameterGroupState",
            "ParameterGroup parameters was created, but not completed",
        ),
        (
            "AuthorizeSecurityGroupIngress",
            "UnauthorizedOperation",
            "SecurityGroupIngressRule redis was not created",
        ),
    ],
)
def test_an_error_in_the_middle_is_told_and_the_next_up_carries_on(
    account: Project, aws: Aws, action: str, code: str, said: str
) -> None:
    account.write(program())
    aws.inject(action, code, "out of luck")

    told = account.fail("up", "--yes", "--skip-preview")
    assert said in told
    assert "out of luck" in told

    account.up()
    account.up("--expect-no-changes")
    account.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes")


def test_a_missing_stand_in_is_told_in_one_error(
    tmp_path: Path, tools: Tools, plugin_folder: Path
) -> None:
    project = on_aws(tmp_path / "project", tools, plugin_folder, "http://127.0.0.1:1")
    project.write(program())

    told = project.fail("up", "--yes", "--skip-preview")

    diagnostics = told.partition("Diagnostics:")[2]
    assert diagnostics.count("the AWS stand-in does not answer") == 1


def test_the_real_aws_is_out_of_the_question(
    tmp_path: Path, tools: Tools, plugin_folder: Path
) -> None:
    project = on_aws(tmp_path / "project", tools, plugin_folder, "https://eks.amazonaws.com")
    project.write(program())

    assert "which is no address of this machine" in project.fail("preview")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('aws.sqs.Queue("queue")', "knows no aws:sqs/queue:Queue"),
        (
            'aws.ecr.Repository("other", name="Not Valid", image_tag_mutability="IMMUTABLE")',
            "Invalid parameter at 'repositoryName'",
        ),
        (
            'aws.ec2.Vpc("other", ipv4_ipam_pool_id="pool")',
            "knows no ipv4IpamPoolId of aws:ec2/vpc:Vpc",
        ),
    ],
)
def test_what_is_not_known_or_not_valid_is_named(
    account: Project, aws: Aws, more: str, told: str
) -> None:
    del aws
    account.write(f"import pulumi_aws as aws\n{more}\n")

    assert told in account.fail("up", "--yes", "--skip-preview")
