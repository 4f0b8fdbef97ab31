"""Where things are kept: EFS file systems and ECR repositories."""

from rehearsal.plugins.aws_provider.calling import structured
from rehearsal.plugins.aws_provider.deed import Deed
from rehearsal.plugins.aws_provider.spec import Call, Spec, Tagging, Update
from rehearsal.plugins.stand_in.rules import AutoName

EFS = {"ResourceId": "{id}"}
ECR_ARN = {"resourceArn": "arn:aws:ecr:{region}:{account}:repository/{id}"}
FILE_SYSTEM = {"FileSystemId": "{id}"}


def set_lifecycle(deed: Deed) -> object:
    given = {"lifecyclePolicies": deed.resource.inputs.get("lifecyclePolicies") or []}
    policies = structured(deed, "put_lifecycle_configuration", given, {})
    return deed.aws.put_lifecycle_configuration(FileSystemId=deed.id, **policies)


def set_backup(deed: Deed) -> object:
    given = {"backupPolicy": deed.resource.inputs["backupPolicy"]}
    policy = structured(deed, "put_backup_policy", given, {})
    deed.aws.put_backup_policy(FileSystemId=deed.text("fileSystemId"), **policy)
    return deed.text("fileSystemId")


def end_backup(deed: Deed) -> object:
    return deed.aws.put_backup_policy(FileSystemId=deed.id, BackupPolicy={"Status": "DISABLED"})


def delete_repository(deed: Deed) -> object:
    force = bool(deed.resource.old_inputs.get("forceDelete"))
    return deed.aws.delete_repository(repositoryName=deed.id, force=force)


def check_encryption(given: object) -> dict[str, str]:
    found = given.get("encryptionConfigurations") if isinstance(given, dict) else None
    if isinstance(found, list) and len(found) > 1:
        return {"encryptionConfigurations": "ECR takes one"}
    return {}


SPECS = (
    Spec(
        "aws:efs/fileSystem:FileSystem",
        "efs",
        create=Call("create_file_system"),
        id="FileSystemId",
        read=Call("describe_file_systems", FILE_SYSTEM, "FileSystems.0"),
        delete=Call("delete_file_system", FILE_SYSTEM),
        replacing="creationToken encrypted kmsKeyId performanceMode availabilityZoneName",
        updates=(
            Update(
                "throughputMode provisionedThroughputInMibps",
                Call("update_file_system", FILE_SYSTEM),
                whole=True,
            ),
            Update("lifecyclePolicies", set_lifecycle),
        ),
        reads={"lifecyclePolicies": ""},
        auto_name=AutoName("creationToken", 64),
        tags=Tagging(Call("tag_resource", EFS), Call("untag_resource", EFS)),
        outputs={
            "arn": "FileSystemArn",
            "dnsName": "{id}.efs.{region}.amazonaws.com",
            "ownerId": "OwnerId",
            "numberOfMountTargets": "NumberOfMountTargets",
        },
        ready=("LifeCycleState", ("available",)),
        gone=("LifeCycleState", ("deleted",)),
    ),
    Spec(
        "aws:efs/mountTarget:MountTarget",
        "efs",
        create=Call("create_mount_target"),
        id="MountTargetId",
        read=Call("describe_mount_targets", {"MountTargetId": "{id}"}, "MountTargets.0"),
        delete=Call("delete_mount_target", {"MountTargetId": "{id}"}),
        replacing="fileSystemId subnetId ipAddress",
        updates=(
            Update(
                "securityGroups",
                Call("modify_mount_target_security_groups", {"MountTargetId": "{id}"}),
            ),
        ),
        unordered="securityGroups",
        outputs={
            "availabilityZoneName": "AvailabilityZoneName",
            "availabilityZoneId": "AvailabilityZoneId",
            "dnsName": "{fileSystemId}.efs.{region}.amazonaws.com",
            "ipAddress": "IpAddress",
            "networkInterfaceId": "NetworkInterfaceId",
            "ownerId": "OwnerId",
        },
        ready=("LifeCycleState", ("available",)),
        gone=("LifeCycleState", ("deleted",)),
    ),
    Spec(
        "aws:efs/backupPolicy:BackupPolicy",
        "efs",
        create=set_backup,
        read=Call("describe_backup_policy", FILE_SYSTEM),
        delete=end_backup,
        replacing="fileSystemId",
        updates=(Update("backupPolicy", set_backup),),
        reads={"fileSystemId": ""},
        stays=True,
    ),
    Spec(
        "aws:ecr/repository:Repository",
        "ecr",
        create=Call("create_repository", result="repository"),
        id="repositoryName",
        read=Call("describe_repositories", {"repositoryNames": ["{id}"]}, "repositories.0"),
        delete=delete_repository,
        replacing="name encryptionConfigurations",
        updates=(
            Update(
                "imageTagMutability", Call("put_image_tag_mutability", {"repositoryName": "{id}"})
            ),
            Update(
                "imageScanningConfiguration",
                Call("put_image_scanning_configuration", {"repositoryName": "{id}"}),
            ),
        ),
        silent="forceDelete",
        defaults={"imageTagMutability": "MUTABLE"},
        renames={
            "name": "repositoryName",
            "encryptionConfigurations": "encryptionConfiguration",
        },
        auto_name=AutoName(most=256),
        tags=Tagging(
            Call("tag_resource", ECR_ARN),
            Call("untag_resource", ECR_ARN),
            Call("list_tags_for_resource", ECR_ARN),
            "tags",
        ),
        outputs={
            "arn": "repositoryArn",
            "registryId": "registryId",
            "repositoryUrl": "repositoryUri",
        },
        problems=check_encryption,
    ),
    Spec(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "ecr",
        create=Call("put_lifecycle_policy"),
        id="{repository}",
        read=Call("get_lifecycle_policy", {"repositoryName": "{id}"}),
        delete=Call("delete_lifecycle_policy", {"repositoryName": "{id}"}),
        replacing="repository policy",
        renames={"repository": "repositoryName", "policy": "lifecyclePolicyText"},
        documents="policy",
        delete_first=True,
        outputs={"registryId": "registryId"},
    ),
)
