"""What holds data stays: protected, pinned by URN, tagged, and destroyed in the right order."""

import importlib
import inspect
import re
from itertools import pairwise

import pytest

from infra.manifests.aws.tags import TAGGABLE, fleet_tags, tagged
from tests.unit.aws_stage import changed, rendered, stack

# A line that changes here is a resource that is deleted and made anew, with what it holds. Give it
# `aliases` instead; a new data-bearing resource adds a line.
DATA = {
    "aws:kms/key:Key::data",
    "celery-fleet:aws:Cache$aws:elasticache/replicationGroup:ReplicationGroup::broker",
    "celery-fleet:aws:Cluster$aws:eks/cluster:Cluster::cluster",
    "celery-fleet:aws:Cluster$aws:kms/key:Key::secrets",
    "celery-fleet:aws:SharedData$aws:efs/fileSystem:FileSystem::data",
}
# Replaced with any of these, a data-bearing resource would be replaced too, or lose its login.
CARRIERS = {
    "celery-fleet:aws:Cache$aws:elasticache/parameterGroup:ParameterGroup::broker-valkey8",
    "celery-fleet:aws:Cache$aws:elasticache/subnetGroup:SubnetGroup::broker",
    "celery-fleet:aws:Cache$aws:elasticache/userGroup:UserGroup::broker",
    "celery-fleet:aws:Cache$random:index/randomPassword:RandomPassword::broker-blue",
    "celery-fleet:aws:Cache$random:index/randomPassword:RandomPassword::broker-green",
    "celery-fleet:aws:Cache$random:index/randomPassword:RandomPassword::broker-keda",
    "celery-fleet:aws:Cache$random:index/randomPassword:RandomPassword::broker-exporter",
    "celery-fleet:aws:Cache$random:index/randomPassword:RandomPassword::broker-producer",
    "celery-fleet:aws:Network$aws:ec2/vpc:Vpc::vpc",
    "celery-fleet:home:Home$kubernetes:core/v1:PersistentVolumeClaim::data",
    "celery-fleet:aws:Registry$aws:ecr/repository:Repository::worker",
}


def short(urn: str) -> str:
    """Without stack and project, as the engine writes it: the mock names the stack as parent."""
    return urn.split("::", 2)[2].removeprefix("pulumi:pulumi:Stack$")


def test_what_holds_data_keeps_its_urn() -> None:
    for name in ("prod", "staging"):
        urns = {short(resource.urn) for resource in stack(name).resources}

        assert urns >= DATA | CARRIERS


def test_prod_protects_what_holds_data_and_nothing_that_can_be_made_again() -> None:
    protected = {short(r.urn) for r in stack("prod").resources if r.protect}

    assert protected == DATA
    assert stack("prod").one("Cluster").inputs["deletionProtection"] is True
    assert stack("prod").one("BackupPolicy").inputs["backupPolicy"] == {"status": "ENABLED"}


def test_one_key_lifts_all_protection() -> None:
    lifted = rendered(changed("prod", protect=False))

    assert not any(resource.protect for resource in lifted.resources)
    assert lifted.one("Cluster").inputs["deletionProtection"] is False
    assert lifted.one("Repository").inputs["forceDelete"] is True
    assert not any(resource.protect for resource in stack("staging").resources)


def test_logical_names_carry_neither_stack_nor_namespace() -> None:
    prod = {short(resource.urn) for resource in stack("prod").resources}

    assert not any(re.search(r"\bprod\b", urn) for urn in prod)
    staging = {short(resource.urn) for resource in stack("staging").resources}
    assert staging <= prod


def takes_tags(typ: str) -> bool:
    """Whether the SDK's class of a type token such as `aws:ec2/vpc:Vpc` has the argument."""
    service = typ.split(":")[1].split("/", maxsplit=1)[0]
    sdk = getattr(importlib.import_module(f"pulumi_aws.{service}"), typ.rsplit(":", 1)[1])
    return "tags" in inspect.signature(sdk._internal_init).parameters


def test_what_can_carry_tags_is_known_and_nothing_else_is_given_any() -> None:
    admin = {"kind": "eks", "admins": ["arn:aws:iam::123456789012:role/oncall"]}
    found = [*stack("prod").aws(), *rendered(changed("staging", cluster=admin)).aws()]

    takes = {r.typ: takes_tags(r.typ) for r in found}
    assert {typ for typ in takes if takes[typ]} == TAGGABLE & set(takes)
    assert {typ for typ in takes if not takes[typ]} >= {
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:efs/mountTarget:MountTarget",
        "aws:iam/rolePolicy:RolePolicy",
    }


def test_everything_taggable_says_whose_it_is_and_what_pays() -> None:
    wanted = {
        "project": "celery-fleet",
        "stack": "test",
        "tier": "prod",
        "owner": "imagineer",
        "cost-center": "imagineer",
    }
    for resource in stack("prod").aws():
        if resource.typ in TAGGABLE:
            assert wanted.items() <= resource.inputs["tags"].items(), resource.urn
        else:
            assert "tags" not in resource.inputs, resource.urn


def test_a_resources_own_tags_stay() -> None:
    subnet = stack("prod").of("Subnet")["private-a"].inputs["tags"]

    assert subnet["Name"] == "imagineer-prod-private-a"
    assert subnet["kubernetes.io/role/internal-elb"] == "1"
    assert tagged("aws:iam/rolePolicy:RolePolicy", {"role": "r"}, {"a": "b"}) == {"role": "r"}


def test_a_stack_file_cannot_hide_what_it_is() -> None:
    config = changed("staging", tags={"project": "other", "team": "x"})

    assert fleet_tags(config, "staging") == {
        "project": "celery-fleet",
        "stack": "staging",
        "tier": "staging",
        "team": "x",
    }


@pytest.mark.parametrize("name", ["prod", "staging"])
def test_destroy_goes_from_scaled_objects_over_keda_and_nodes_to_the_network(name: str) -> None:
    found = stack(name)

    order = [
        found.of("ScaledObject")["worker-training"].urn,
        found.one("TriggerAuthentication").urn,
        found.of("Release")["keda"].urn,
        found.of("NodeGroup")["gpu"].urn,
        found.one("Cluster").urn,
        found.of("NatGateway")["nat-a"].urn,
    ]
    for first, then in pairwise(order):
        assert then in found.before(first), (first, then)


def test_every_object_of_the_cluster_goes_before_its_nodes() -> None:
    found = stack("prod")
    nodes = {r.urn for r in found.of("NodeGroup").values()}

    inside = [r for r in found.resources if r.typ.startswith("kubernetes:")]
    assert len(inside) > 20
    for resource in inside:
        assert nodes <= found.before(resource.urn), resource.urn


def test_files_outlive_the_pods_that_mount_them() -> None:
    found = stack("prod")
    targets = {r.urn for r in found.of("MountTarget").values()}

    for deployment in found.of("Deployment").values():
        assert targets <= found.before(deployment.urn)


def test_no_default_provider_is_used() -> None:
    for resource in stack("prod").resources:
        if resource.typ.startswith(("aws:", "kubernetes:")):
            assert {"aws", "cluster"} & set(resource.provider.split("::")), resource.urn
