"""EC2's launch templates: what a node group's machines are like."""

from dataclasses import replace

from rehearsal.plugins.aws_provider.calling import structured
from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.network import EC2_TAGS, arn
from rehearsal.plugins.aws_provider.spec import Call, Spec, Update
from rehearsal.plugins.stand_in.kind import Properties
from rehearsal.plugins.stand_in.rules import AutoName

DATA = (
    "blockDeviceMappings ebsOptimized iamInstanceProfile imageId instanceMarketOptions "
    "instanceType keyName metadataOptions monitoring networkInterfaces tagSpecifications "
    "userData vpcSecurityGroupIds placement disableApiTermination creditSpecification"
)
LISTED = Call("describe_tags", {"Filters": [{"Name": "resource-id", "Values": ["{id}"]}]})
RENAMES = {
    "vpcSecurityGroupIds": "SecurityGroupIds",
    "securityGroups": "Groups",
    "name": "LaunchTemplateName",
    "description": "VersionDescription",
}


def create_template(deed: Deed) -> object:
    answer = deed.aws.create_launch_template(
        LaunchTemplateName=deed.text("name"), **_version(deed, "create_launch_template")
    )
    return answer["LaunchTemplate"]["LaunchTemplateId"]


def create_version(deed: Deed) -> object:
    """A template's data never change: a new version has the new ones."""
    answer = deed.aws.create_launch_template_version(
        LaunchTemplateId=deed.id, **_version(deed, "create_launch_template_version")
    )
    if not deed.resource.inputs.get("updateDefaultVersion"):
        return None
    number = str(answer["LaunchTemplateVersion"]["VersionNumber"])
    return deed.aws.modify_launch_template(LaunchTemplateId=deed.id, DefaultVersion=number)


def set_default(deed: Deed) -> object:
    number = deed.text("defaultVersion")
    return deed.aws.modify_launch_template(LaunchTemplateId=deed.id, DefaultVersion=number)


def _version(deed: Deed, method: str) -> Properties:
    inputs = deed.resource.inputs
    given: Properties = {"launchTemplateData": {n: inputs[n] for n in DATA.split() if n in inputs}}
    if inputs.get("description"):
        given["description"] = inputs["description"]
    return structured(deed, method, given, RENAMES)


SPECS = (
    Spec(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "ec2",
        create=create_template,
        read=Call(
            "describe_launch_templates", {"LaunchTemplateIds": ["{id}"]}, "LaunchTemplates.0"
        ),
        delete=Call("delete_launch_template", {"LaunchTemplateId": "{id}"}),
        replacing="name",
        updates=(
            Update(f"description {DATA}", create_version),
            Update("defaultVersion", set_default),
        ),
        silent="updateDefaultVersion",
        reads=dict.fromkeys(f"description {DATA}".split(), "")
        | {"name": "LaunchTemplateName", "defaultVersion": "DefaultVersionNumber"},
        unordered="vpcSecurityGroupIds",
        auto_name=AutoName(most=125),
        # Moto shows a template's first tags only, whatever became of them.
        tags=replace(EC2_TAGS, listing=LISTED),
        outputs={
            "arn": arn("launch-template"),
            "latestVersion": "LatestVersionNumber",
            "defaultVersion": "DefaultVersionNumber",
        },
    ),
)
