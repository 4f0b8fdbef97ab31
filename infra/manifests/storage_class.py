"""How the fleet's shared data is claimed from EFS."""

from typing import Any

# The image's own user (worker_image/Dockerfile).
_USER = "10001"


def shared_storage(file_system_id: object) -> dict[str, Any]:
    """Arguments of the StorageClass: a folder of its own for each claim, kept with its claim."""
    return {
        "provisioner": "efs.csi.aws.com",
        "parameters": {
            "provisioningMode": "efs-ap",
            "fileSystemId": file_system_id,
            "directoryPerms": "700",
            "uid": _USER,
            "gid": _USER,
        },
        "mount_options": ["tls"],
        "reclaim_policy": "Retain",
    }
