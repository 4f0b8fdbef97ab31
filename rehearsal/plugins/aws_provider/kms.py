"""KMS: keys and their aliases."""

from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.spec import Call, Spec, Tagging, Update
from rehearsal.plugins.stand_in.rules import AutoName

KEY = {"KeyId": "{id}"}


def described_key(deed: Deed) -> object:
    found = deed.aws.describe_key(KeyId=deed.id)["KeyMetadata"]
    rotation = deed.aws.get_key_rotation_status(KeyId=deed.id)["KeyRotationEnabled"]
    policy = deed.aws.get_key_policy(KeyId=deed.id, PolicyName="default")["Policy"]
    return found | {"enableKeyRotation": rotation, "policy": policy}


def set_rotation(deed: Deed) -> object:
    if deed.resource.inputs.get("enableKeyRotation"):
        more = {"RotationPeriodInDays": deed.resource.inputs.get("rotationPeriodInDays")}
        period = {name: value for name, value in more.items() if value}
        return deed.aws.enable_key_rotation(KeyId=deed.id, **period)
    return deed.aws.disable_key_rotation(KeyId=deed.id)


def end_key(deed: Deed) -> object:
    days = deed.resource.old_inputs.get("deletionWindowInDays", 30)
    return deed.aws.schedule_key_deletion(KeyId=deed.id, PendingWindowInDays=days)


def described_alias(deed: Deed) -> object:
    pages = deed.aws.get_paginator("list_aliases").paginate()
    aliases = (alias for page in pages for alias in page["Aliases"])
    return next((alias for alias in aliases if alias["AliasName"] == deed.id), None)


SPECS = (
    Spec(
        "aws:kms/key:Key",
        "kms",
        create=Call("create_key", result="KeyMetadata"),
        id="KeyId",
        read=described_key,
        delete=end_key,
        replacing="customerMasterKeySpec keyUsage multiRegion",
        updates=(
            Update("enableKeyRotation rotationPeriodInDays", set_rotation),
            Update("description", Call("update_key_description", KEY)),
            Update("policy", Call("put_key_policy", KEY | {"PolicyName": "default"})),
        ),
        silent="deletionWindowInDays bypassPolicyLockoutSafetyCheck",
        renames={"customerMasterKeySpec": "KeySpec"},
        reads={"rotationPeriodInDays": ""},
        documents="policy",
        tags=Tagging(
            Call("tag_resource", KEY),
            Call("untag_resource", KEY),
            Call("list_resource_tags", KEY),
        ),
        outputs={"arn": "Arn", "keyId": "KeyId"},
        gone=("KeyState", ("PendingDeletion",)),
    ),
    Spec(
        "aws:kms/alias:Alias",
        "kms",
        create=Call("create_alias"),
        id="{name}",
        read=described_alias,
        delete=Call("delete_alias", {"AliasName": "{id}"}),
        replacing="name",
        updates=(Update("targetKeyId", Call("update_alias", {"AliasName": "{id}"})),),
        renames={"name": "AliasName"},
        auto_name=AutoName(),
        # The program may state the key by its ARN, AWS tells its id.
        reads={"targetKeyId": ""},
        outputs={"arn": "AliasArn"},
    ),
)
