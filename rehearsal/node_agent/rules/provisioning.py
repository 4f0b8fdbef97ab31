"""Which claims get a volume from the stand-in provisioner, and what that volume is."""

from collections.abc import Collection
from pathlib import Path

from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.model.claim import Claim, PersistentVolume, StorageClass

PROVISIONER = "celery-fleet.dev/rehearsal"
# EFS's CSI driver; here its volumes are folders of this machine too.
_PROVISIONERS = frozenset({PROVISIONER, "efs.csi.aws.com"})
# The controller manager's names: it writes the first on a claim once it is to be provisioned.
_ASKED_OF = "volume.kubernetes.io/storage-provisioner"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"


def is_to_provision(claim: Claim) -> bool:
    asked = claim.metadata.annotations.get(_ASKED_OF) in _PROVISIONERS
    return asked and not claim.spec.volume_name and claim.metadata.deletion_timestamp is None


def is_to_delete(volume: PersistentVolume) -> bool:
    """A volume of ours whose claim is gone; `Retain` keeps it, as it does anywhere."""
    ours = volume.metadata.annotations.get(_PROVISIONED_BY) == PROVISIONER
    released = volume.status.phase == "Released" and volume.metadata.deletion_timestamp is None
    return ours and released and volume.spec.persistent_volume_reclaim_policy == "Delete"


def is_at(folder: Path, volume: PersistentVolume) -> bool:
    return volume.local_path == str(folder)


def folder_of(claim: Claim, root: Path, volumes: Collection[PersistentVolume]) -> Path:
    """Where a claim's data lies: under its name, or beside what an earlier one of its name keeps.

    A volume of an earlier claim that is to be deleted is waited for.
    """
    meta = claim.metadata
    folder = root / meta.namespace / meta.name
    kept = any(
        is_at(folder, volume)
        and volume.metadata.name != volume_name(claim)
        and volume.spec.persistent_volume_reclaim_policy == "Retain"
        for volume in volumes
    )
    return folder.with_name(f"{meta.name}-{meta.uid}") if kept else folder


def volume_name(claim: Claim) -> str:
    """Kubernetes' own pattern; the uid makes provisioning idempotent."""
    return f"pvc-{claim.metadata.uid}"


def volume_object(claim: Claim, storage_class: StorageClass, folder: Path) -> JsonObject:
    meta = claim.metadata
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume_name(claim),
            "annotations": {_PROVISIONED_BY: PROVISIONER},
        },
        "spec": {
            "accessModes": list(claim.spec.access_modes),
            "capacity": {"storage": claim.spec.resources.requests.get("storage", "0")},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta.namespace,
                "name": meta.name,
                "uid": meta.uid,
            },
            "hostPath": {"path": str(folder)},
            "persistentVolumeReclaimPolicy": storage_class.reclaim_policy,
            "storageClassName": claim.spec.storage_class_name,
            "volumeMode": claim.spec.volume_mode,
        },
    }
