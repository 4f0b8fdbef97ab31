"""EKS: add-ons, pod identities, access; and the tags of the scaling groups behind node groups."""

from rehearsal.plugins.aws_provider.calling import structured
from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.eks import tagging
from rehearsal.plugins.aws_provider.spec import Call, Spec, Update

ADDON = {"clusterName": "{clusterName}", "addonName": "{addonName}"}
ENTRY = {"clusterName": "{clusterName}", "principalArn": "{principalArn}"}
IDENTITY = {"clusterName": "{clusterName}", "associationId": "{id}"}
ADDON_FIELDS = "addonVersion serviceAccountRoleArn configurationValues podIdentityAssociations"


def create_addon(deed: Deed) -> object:
    deed.aws.create_addon(**_addon(deed, "create_addon", "resolveConflictsOnCreate"))
    return f"{deed.text('clusterName')}:{deed.text('addonName')}"


def update_addon(deed: Deed) -> object:
    return deed.aws.update_addon(**_addon(deed, "update_addon", "resolveConflictsOnUpdate"))


def _addon(deed: Deed, method: str, conflicts: str) -> dict[str, object]:
    inputs = deed.resource.inputs
    names = f"clusterName addonName {ADDON_FIELDS} {conflicts}".split()
    given = {name: inputs[name] for name in names if name in inputs}
    return structured(deed, method, given, {conflicts: "resolveConflicts"})


def described_policy(deed: Deed) -> object:
    answer = deed.aws.list_associated_access_policies(
        clusterName=deed.text("clusterName"), principalArn=deed.text("principalArn")
    )
    policies = answer["associatedAccessPolicies"]
    wanted = deed.text("policyArn")
    return next((policy for policy in policies if policy["policyArn"] == wanted), None)


def put_tag(deed: Deed) -> object:
    deed.aws.create_or_update_tags(Tags=[_tag(deed)])
    return f"{deed.text('autoscalingGroupName')},{_tag(deed)['Key']}"


def drop_tag(deed: Deed) -> object:
    return deed.aws.delete_tags(Tags=[_tag(deed)])


def described_tag(deed: Deed) -> object:
    group, _, key = deed.id.partition(",")
    filters = [{"Name": "auto-scaling-group", "Values": [group]}, {"Name": "key", "Values": [key]}]
    found = deed.aws.describe_tags(Filters=filters)["Tags"]
    return {"autoscalingGroupName": group, "tag": found[0]} if found else None


def _tag(deed: Deed) -> dict[str, object]:
    tag = deed.values["tag"]
    given = tag if isinstance(tag, dict) else {}
    return {
        "ResourceId": deed.text("autoscalingGroupName"),
        "ResourceType": "auto-scaling-group",
        "Key": given["key"],
        "Value": given["value"],
        "PropagateAtLaunch": bool(given.get("propagateAtLaunch")),
    }


SPECS = (
    Spec(
        "aws:eks/accessEntry:AccessEntry",
        "eks",
        create=Call("create_access_entry"),
        id="{clusterName}:{principalArn}",
        read=Call("describe_access_entry", ENTRY, "accessEntry"),
        delete=Call("delete_access_entry", ENTRY),
        replacing="clusterName principalArn type",
        updates=(Update("kubernetesGroups userName", Call("update_access_entry", ENTRY)),),
        unordered="kubernetesGroups",
        tags=tagging("{accessEntryArn}"),
        outputs={
            "accessEntryArn": "accessEntryArn",
            "createdAt": "createdAt",
            "modifiedAt": "modifiedAt",
            "userName": "username",
        },
    ),
    Spec(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "eks",
        create=Call("associate_access_policy"),
        id="{clusterName}#{principalArn}#{policyArn}",
        read=described_policy,
        delete=Call("disassociate_access_policy", ENTRY | {"policyArn": "{policyArn}"}),
        replacing="clusterName principalArn policyArn accessScope",
        delete_first=True,
        outputs={"associatedAt": "associatedAt", "modifiedAt": "modifiedAt"},
    ),
    Spec(
        "aws:eks/addon:Addon",
        "eks",
        create=create_addon,
        read=Call("describe_addon", ADDON, "addon"),
        delete=Call("delete_addon", ADDON),
        replacing="clusterName addonName",
        updates=(Update(ADDON_FIELDS, update_addon),),
        silent="resolveConflictsOnCreate resolveConflictsOnUpdate preserve",
        reads={"podIdentityAssociations": ""},
        documents="configurationValues",
        delete_first=True,
        tags=tagging("{arn}"),
        outputs={
            "arn": "addonArn",
            "createdAt": "createdAt",
            "modifiedAt": "modifiedAt",
            "addonVersion": "addonVersion",
        },
        ready=("status", ("ACTIVE",)),
    ),
    Spec(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "eks",
        create=Call("create_pod_identity_association", result="association"),
        id="associationId",
        read=Call("describe_pod_identity_association", IDENTITY, "association"),
        delete=Call("delete_pod_identity_association", IDENTITY),
        replacing="clusterName namespace serviceAccount",
        updates=(
            Update(
                "roleArn disableSessionTags targetRoleArn",
                Call("update_pod_identity_association", IDENTITY),
            ),
        ),
        delete_first=True,
        tags=tagging("{associationArn}"),
        outputs={"associationArn": "associationArn", "associationId": "associationId"},
    ),
    Spec(
        "aws:autoscaling/tag:Tag",
        "autoscaling",
        create=put_tag,
        read=described_tag,
        delete=drop_tag,
        replacing="autoscalingGroupName tag.key",
        updates=(Update("tag", put_tag),),
    ),
)
