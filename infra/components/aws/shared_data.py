"""Files that tasks share: EFS in every zone, and the StorageClass that claims it."""

# Annotations that are not run leave whole services of the SDK unread: seconds of every run.
from __future__ import annotations

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws import ec2, efs

from infra.components.aws.placement import Base, Place

_NFS = 2049


class SharedData(ComponentResource):
    """An encrypted file system that the fleet's nodes alone can mount."""

    def __init__(self, place: Place, base: Base, members: Output[str]) -> None:
        super().__init__("celery-fleet:aws:SharedData", "shared-data", None, place.opts)
        child = ResourceOptions(parent=self)
        self.files = efs.FileSystem(
            "data",
            encrypted=True,
            kms_key_id=base.data_key.arn,
            throughput_mode="elastic",
            lifecycle_policies=[
                {"transition_to_ia": "AFTER_30_DAYS"},
                {"transition_to_primary_storage_class": "AFTER_1_ACCESS"},
            ],
            tags={"Name": place.config.namespace},
            opts=place.data(self),
        )
        door = ec2.SecurityGroup(
            "data",
            vpc_id=base.network.vpc_id,
            description="Shared files, from nodes of the fleet",
            ingress=[
                {
                    "protocol": "tcp",
                    "from_port": _NFS,
                    "to_port": _NFS,
                    "security_groups": [members],
                    "description": "NFS, in TLS by the driver",
                }
            ],
            opts=child,
        )
        targets = [
            efs.MountTarget(
                f"data-{number}",
                file_system_id=self.files.id,
                subnet_id=subnet,
                security_groups=[door.id],
                opts=child,
            )
            for number, subnet in enumerate(base.network.private_subnet_ids, start=1)
        ]
        efs.BackupPolicy(
            "data",
            file_system_id=self.files.id,
            backup_policy={"status": "ENABLED" if place.config.protect else "DISABLED"},
            opts=child,
        )
        self.needs = targets
        self.register_outputs({"fileSystem": self.files.id})
