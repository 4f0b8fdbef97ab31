"""PersistentVolumeClaims and PersistentVolumes, as far as they are provisioned or mounted."""

from rehearsal.node_agent.model.base import Metadata, Read
from rehearsal.node_agent.model.pod import Resources


class ClaimSpec(Read):
    access_modes: tuple[str, ...] = ()
    resources: Resources = Resources()
    storage_class_name: str = ""
    volume_name: str = ""
    volume_mode: str = "Filesystem"


class Claim(Read):
    metadata: Metadata
    spec: ClaimSpec


class LocalPath(Read):
    path: str


class ClaimReference(Read):
    namespace: str = ""
    name: str = ""
    uid: str = ""


class VolumeSpec(Read):
    host_path: LocalPath | None = None
    local: LocalPath | None = None
    claim_ref: ClaimReference | None = None
    persistent_volume_reclaim_policy: str = "Retain"


class VolumeStatus(Read):
    phase: str = ""


class PersistentVolume(Read):
    metadata: Metadata
    spec: VolumeSpec
    status: VolumeStatus = VolumeStatus()

    @property
    def local_path(self) -> str | None:
        source = self.spec.host_path or self.spec.local
        return source.path if source else None


class StorageClass(Read):
    metadata: Metadata
    provisioner: str
    reclaim_policy: str = "Delete"
