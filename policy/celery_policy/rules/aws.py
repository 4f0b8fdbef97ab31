"""Rules about AWS around the broker: permissions, keys, machines, tags, protection."""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from celery_policy.resource import Resource
from celery_policy.rule import PRODUCTION, ResourceRule, Setting, Settings
from celery_policy.rules.broker import REPLICATION_GROUP
from celery_policy.tree import Node

_POLICIES = frozenset(
    f"aws:iam/{each}"
    for each in (
        *("policy:Policy", "rolePolicy:RolePolicy"),
        *("userPolicy:UserPolicy", "groupPolicy:GroupPolicy"),
    )
)
KEY = "aws:kms/key:Key"
FILE_SYSTEM = "aws:efs/fileSystem:FileSystem"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
_VOLUME = "aws:ebs/volume:Volume"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
CLUSTER = "aws:eks/cluster:Cluster"
_BUCKET = "aws:s3/bucket:Bucket"
_DATABASE = "aws:rds/instance:Instance"
_DATA = [REPLICATION_GROUP, FILE_SYSTEM, KEY, CLUSTER, _BUCKET, _DATABASE]
# Actions that only read, by IAM's habit of names; whatever else an action is called, it may write.
_READS = ("Describe", "Get", "List", "BatchGet", "View", "Search", "Query", "Scan", "Lookup")
# What costs money for as long as it is there.
_PAID = frozenset(
    {
        *(REPLICATION_GROUP, FILE_SYSTEM, KEY, NODE_GROUP, CLUSTER, _BUCKET, _DATABASE, INSTANCE),
        *("aws:ec2/natGateway:NatGateway", "aws:ec2/vpcEndpoint:VpcEndpoint", "aws:ec2/eip:Eip"),
        *("aws:ecr/repository:Repository", "aws:cloudwatch/logGroup:LogGroup", _VOLUME),
    }
)


def _wildcards(resource: Resource, _: Settings) -> Iterator[str]:
    for statement in _statements(resource.root["policy"]):
        if statement.get("Effect") != "Allow":
            continue
        writes = [each for each in _listed(statement.get("Action")) if not _only_reads(each)]
        for action in writes:
            if "*" in action:
                yield f"it allows {action!r}"
        is_bounded = bool(statement.get("Condition"))
        if writes and "*" in _listed(statement.get("Resource")) and not is_bounded:
            yield f"it allows {writes[0]!r} on every resource, without a condition"
        if statement.get("NotAction"):
            yield "it allows all but what NotAction lists"


def _statements(policy: Node) -> list[Mapping[str, Any]]:
    """Statements of a document, which is JSON text or an object."""
    value = policy.value
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    found = value.get("Statement", []) if isinstance(value, Mapping) else []
    return [found] if isinstance(found, Mapping) else list(found)


def _listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, list) else []


def _only_reads(action: str) -> bool:
    return action.partition(":")[2].startswith(_READS)


def _rotates(resource: Resource, _: Settings) -> Iterator[str]:
    spec = resource.root["customerMasterKeySpec"].text
    if spec in {"", "SYMMETRIC_DEFAULT"} and not resource.root["enableKeyRotation"].is_true:
        yield "enableKeyRotation is not true"


def _encrypted(resource: Resource, _: Settings) -> Iterator[str]:
    root = resource.root
    if resource.type == LAUNCH_TEMPLATE:
        for disk in root["blockDeviceMappings"].items():
            if not disk["ebs"]["encrypted"].is_true:
                yield f"disk {disk['deviceName'].text!r} is not encrypted"
        return
    if resource.type != REPLICATION_GROUP and not root["encrypted"].is_true:
        yield "encrypted is not true"
    # An ARN that only the update brings is one that is stated.
    if root["kmsKeyId"].held is None:
        yield "it names no kmsKeyId: AWS's shared key cannot be withdrawn, nor its use be watched"


def _imds(resource: Resource, _: Settings) -> Iterator[str]:
    options = resource.root["metadataOptions"]
    if options["httpEndpoint"].text == "disabled":
        return
    if options["httpTokens"].text != "required":
        yield "metadataOptions.httpTokens is not required: a forged request reads the node's role"
    if (options["httpPutResponseHopLimit"].number or 1) > 1:
        yield "metadataOptions.httpPutResponseHopLimit is above 1: pods read the node's role"


def _tagged(resource: Resource, settings: Settings) -> Iterator[str]:
    own = {**resource.root["tagsAll"].entries(), **resource.root["tags"].entries()}
    lacking = [key for key in settings["keys"] if key not in own]
    if lacking:
        yield f"it has no tag {', '.join(lacking)}"


def _protected(resource: Resource, settings: Settings) -> Iterator[str]:
    is_data = any(fnmatchcase(resource.type, each) for each in settings["types"])
    if is_data and not resource.protect:
        yield "it is not protected: one `pulumi destroy` on the wrong stack deletes it"


RULES = (
    ResourceRule(
        "iam-no-write-wildcards",
        "What a workload may write, it may write by name.",
        "high",
        "List the actions and the resources' ARNs, or bound the statement by a Condition.",
        types=_POLICIES,
        check=_wildcards,
    ),
    ResourceRule(
        "kms-key-rotates",
        "A KMS key rotates by itself.",
        "medium",
        "Set enableKeyRotation.",
        types=frozenset({KEY}),
        check=_rotates,
    ),
    ResourceRule(
        "storage-encrypted",
        "What holds data at rest is encrypted, by a key of the account.",
        "high",
        "Set encrypted and kmsKeyId.",
        types=frozenset({REPLICATION_GROUP, FILE_SYSTEM, _VOLUME, LAUNCH_TEMPLATE}),
        check=_encrypted,
    ),
    ResourceRule(
        "imdsv2-only",
        "A node gives its credentials to IMDSv2 alone, and not to pods.",
        "high",
        "Set metadataOptions.httpTokens required and httpPutResponseHopLimit 1; pods get theirs by "
        "Pod Identity.",
        types=frozenset({LAUNCH_TEMPLATE, INSTANCE}),
        check=_imds,
    ),
    ResourceRule(
        "cost-tags",
        "What costs money tells whose it is.",
        "low",
        "Set the tags, best by one transform or the provider's defaultTags.",
        types=_PAID,
        check=_tagged,
        settings={
            "keys": Setting(
                default=["stack", "owner"],
                schema={
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Tags that have to be there.",
                },
            )
        },
    ),
    ResourceRule(
        "data-protected",
        "In production, what holds data is protected from deletion.",
        "critical",
        "Set the resource option protect; lift it in a change of its own before a teardown.",
        types=frozenset(_DATA),
        check=_protected,
        stacks=PRODUCTION,
        settings={
            "types": Setting(
                default=["*"],
                schema={
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Which of the types that hold data, as globs.",
                },
            )
        },
    ),
)
