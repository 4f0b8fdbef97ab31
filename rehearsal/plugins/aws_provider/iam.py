"""IAM: roles, policies, what is attached to what."""

import json
from urllib.parse import unquote

from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.spec import Call, Spec, Tagging, Update
from rehearsal.plugins.stand_in.rules import AutoName

ROLE, POLICY = {"RoleName": "{id}"}, {"PolicyArn": "{id}"}
PROFILE = {"InstanceProfileName": "{id}"}
# An IAM role's name and an instance profile's: https://docs.aws.amazon.com/IAM (quotas), 2026-11.
ROLE_NAME_MAX, PROFILE_NAME_MAX, POLICY_NAME_MAX = 64, 128, 128
VERSIONS_KEPT = 5


def tagging(noun: str, key: dict[str, str]) -> Tagging:
    return Tagging(Call(f"tag_{noun}", key), Call(f"untag_{noun}", key))


def described_role(deed: Deed) -> object:
    role = deed.aws.get_role(RoleName=deed.id)["Role"]
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return (
        role
        | {"AssumeRolePolicyDocument": _text(role["AssumeRolePolicyDocument"])}
        | ({"PermissionsBoundary": boundary} if boundary else {})
    )


def delete_role(deed: Deed) -> object:
    if deed.resource.old_inputs.get("forceDetachPolicies"):
        for found in deed.aws.list_attached_role_policies(RoleName=deed.id)["AttachedPolicies"]:
            deed.aws.detach_role_policy(RoleName=deed.id, PolicyArn=found["PolicyArn"])
        for name in deed.aws.list_role_policies(RoleName=deed.id)["PolicyNames"]:
            deed.aws.delete_role_policy(RoleName=deed.id, PolicyName=name)
    return deed.aws.delete_role(RoleName=deed.id)


def described_role_policy(deed: Deed) -> object:
    role, _, name = deed.id.partition(":")
    found = deed.aws.get_role_policy(RoleName=role, PolicyName=name)
    return found | {"PolicyDocument": _text(found["PolicyDocument"])}


def delete_role_policy(deed: Deed) -> object:
    role, _, name = deed.id.partition(":")
    return deed.aws.delete_role_policy(RoleName=role, PolicyName=name)


def described_attachment(deed: Deed) -> object:
    role, arn = deed.text("role"), deed.text("policyArn")
    pages = deed.aws.get_paginator("list_attached_role_policies").paginate(RoleName=role)
    attached = [found["PolicyArn"] for page in pages for found in page["AttachedPolicies"]]
    return {"RoleName": role, "PolicyArn": arn} if arn in attached else None


def described_policy(deed: Deed) -> object:
    policy = deed.aws.get_policy(PolicyArn=deed.id)["Policy"]
    version = deed.aws.get_policy_version(PolicyArn=deed.id, VersionId=policy["DefaultVersionId"])[
        "PolicyVersion"
    ]
    return policy | {"PolicyDocument": _text(version["Document"])}


def change_policy(deed: Deed) -> object:
    """Make the new text the default version; AWS keeps five, so the oldest gives way."""
    versions = deed.aws.list_policy_versions(PolicyArn=deed.id)["Versions"]
    others = [found["VersionId"] for found in versions if not found["IsDefaultVersion"]]
    if len(versions) >= VERSIONS_KEPT:
        deed.aws.delete_policy_version(PolicyArn=deed.id, VersionId=min(others, key=_number))
    return deed.aws.create_policy_version(
        PolicyArn=deed.id, PolicyDocument=deed.text("policy"), SetAsDefault=True
    )


def delete_policy(deed: Deed) -> object:
    for version in deed.aws.list_policy_versions(PolicyArn=deed.id)["Versions"]:
        if not version["IsDefaultVersion"]:
            deed.aws.delete_policy_version(PolicyArn=deed.id, VersionId=version["VersionId"])
    return deed.aws.delete_policy(PolicyArn=deed.id)


def set_profile_role(deed: Deed) -> object:
    roles = deed.description.get("Roles")
    for role in roles if isinstance(roles, list) else []:
        deed.aws.remove_role_from_instance_profile(
            InstanceProfileName=deed.id, RoleName=role["RoleName"]
        )
    if not deed.resource.inputs.get("role"):
        return None
    return deed.aws.add_role_to_instance_profile(
        InstanceProfileName=deed.id, RoleName=deed.text("role")
    )


def delete_profile(deed: Deed) -> object:
    profile = deed.aws.get_instance_profile(InstanceProfileName=deed.id)["InstanceProfile"]
    for role in profile["Roles"]:
        deed.aws.remove_role_from_instance_profile(
            InstanceProfileName=deed.id, RoleName=role["RoleName"]
        )
    return deed.aws.delete_instance_profile(InstanceProfileName=deed.id)


def _text(document: object) -> str:
    """A policy as text; botocore gives some of them parsed, some as AWS quotes them."""
    return unquote(document) if isinstance(document, str) else json.dumps(document)


def _number(version: str) -> int:
    return int(version.removeprefix("v"))


SPECS = (
    Spec(
        "aws:iam/role:Role",
        "iam",
        create=Call("create_role", result="Role"),
        id="RoleName",
        read=described_role,
        delete=delete_role,
        replacing="name path",
        updates=(
            Update(
                "assumeRolePolicy",
                Call("update_assume_role_policy", ROLE | {"PolicyDocument": "{assumeRolePolicy}"}),
            ),
            Update("description maxSessionDuration", Call("update_role", ROLE), whole=True),
            Update("permissionsBoundary", Call("put_role_permissions_boundary", ROLE)),
        ),
        silent="forceDetachPolicies",
        renames={"assumeRolePolicy": "AssumeRolePolicyDocument", "name": "RoleName"},
        documents="assumeRolePolicy",
        auto_name=AutoName(most=ROLE_NAME_MAX),
        tags=tagging("role", ROLE),
        outputs={"arn": "Arn", "uniqueId": "RoleId", "createDate": "CreateDate"},
    ),
    Spec(
        "aws:iam/rolePolicy:RolePolicy",
        "iam",
        create=Call("put_role_policy"),
        id="{role}:{name}",
        read=described_role_policy,
        delete=delete_role_policy,
        replacing="name role",
        updates=(Update("policy", Call("put_role_policy"), whole=True),),
        renames={"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
        documents="policy",
        auto_name=AutoName(most=POLICY_NAME_MAX),
    ),
    Spec(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "iam",
        create=Call("attach_role_policy"),
        id="{role}-{policyArn}",
        read=described_attachment,
        delete=Call("detach_role_policy", {"RoleName": "{role}", "PolicyArn": "{policyArn}"}),
        replacing="role policyArn",
        renames={"role": "RoleName"},
    ),
    Spec(
        "aws:iam/policy:Policy",
        "iam",
        create=Call("create_policy", result="Policy"),
        id="Arn",
        read=described_policy,
        delete=delete_policy,
        replacing="name path description",
        updates=(Update("policy", change_policy),),
        renames={"name": "PolicyName", "policy": "PolicyDocument"},
        documents="policy",
        auto_name=AutoName(most=POLICY_NAME_MAX),
        tags=tagging("policy", POLICY),
        outputs={"arn": "Arn", "policyId": "PolicyId", "attachmentCount": "AttachmentCount"},
    ),
    Spec(
        "aws:iam/instanceProfile:InstanceProfile",
        "iam",
        create=Call("create_instance_profile", result="InstanceProfile"),
        id="InstanceProfileName",
        read=Call("get_instance_profile", PROFILE, "InstanceProfile"),
        delete=delete_profile,
        replacing="name path",
        updates=(Update("role", set_profile_role),),
        renames={"name": "InstanceProfileName"},
        reads={"role": "Roles.0.RoleName"},
        auto_name=AutoName(most=PROFILE_NAME_MAX),
        tags=tagging("instance_profile", PROFILE),
        outputs={"arn": "Arn", "uniqueId": "InstanceProfileId", "createDate": "CreateDate"},
    ),
)
