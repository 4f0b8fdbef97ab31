"""Lays a pod's volumes out as folders and keeps them up to date."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiRefusedError
from rehearsal.node_agent.api.sources import SourceReader
from rehearsal.node_agent.model.base import Read
from rehearsal.node_agent.model.claim import Claim, PersistentVolume
from rehearsal.node_agent.model.pod import Container
from rehearsal.node_agent.model.volume import ClaimVolume, Volume
from rehearsal.node_agent.pods.pod_folder import PodFolder
from rehearsal.node_agent.rules.downward import PodFacts
from rehearsal.node_agent.rules.errors import ContainerConfigError
from rehearsal.node_agent.rules.mount_paths import Mount
from rehearsal.node_agent.rules.volume_files import (
    Files,
    VolumeInputs,
    sources_of,
    volume_files,
)

Volumes = Mapping[str, Path]
"""A pod's volumes by name, each with the folder that holds it."""

R = TypeVar("R", bound=Read)


@dataclass(frozen=True)
class VolumeLayer:
    """Lays out volumes; what they are made of comes from the API."""

    api: ApiClient
    reader: SourceReader

    async def lay_out(self, facts: PodFacts, folder: PodFolder) -> Volumes:
        """Make every volume, or bring it up to date.

        `ContainerConfigError` if one cannot be made yet; its message names the volume.
        """
        pod = facts.pod
        needed = sources_of(pod)
        sources = await self.reader.read(pod.metadata.namespace, needed)
        inputs = VolumeInputs(facts, sources)
        return {v.name: await self._volume(v, inputs, folder) for v in pod.spec.volumes}

    async def _volume(self, volume: Volume, inputs: VolumeInputs, folder: PodFolder) -> Path:
        try:
            if claim := volume.persistent_volume_claim:
                return await self._claimed(inputs.facts.pod.metadata.namespace, claim)
            files = volume_files(volume, inputs)
        except ContainerConfigError as error:
            raise ContainerConfigError(
                f'MountVolume.SetUp failed for volume "{volume.name}" : {error}'
            ) from error
        path = folder.volume(volume.name)
        path.mkdir(parents=True, exist_ok=True)
        if files is not None:
            _write_files(path, files)
        return path

    async def _claimed(self, namespace: str, volume: ClaimVolume) -> Path:
        name = volume.claim_name
        claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
        claim = await self._read(Claim, f"{claims}/{name}", f'claim "{name}"')
        bound = claim.spec.volume_name
        if not bound:
            raise ContainerConfigError(f'claim "{name}" is not bound to a volume')
        path = f"/api/v1/persistentvolumes/{bound}"
        found = await self._read(PersistentVolume, path, f'persistentvolume "{bound}"')
        if not found.local_path:
            raise ContainerConfigError(f'persistentvolume "{bound}" has no local path')
        return Path(found.local_path)

    async def _read(self, model: type[R], path: str, what: str) -> R:
        try:
            return model.model_validate(await self.api.get(path))
        except ApiRefusedError as error:
            if error.not_found:
                raise ContainerConfigError(f"{what} not found") from error
            raise


def container_mounts(container: Container, volumes: Volumes) -> tuple[Mount, ...]:
    """The container's mounts; a subPath that is not there yet becomes a folder."""
    mounts = []
    for mount in container.volume_mounts:
        local = volumes[mount.name] / mount.sub_path
        if not local.exists():
            local.mkdir(parents=True)
        mounts.append(Mount(mount.mount_path, local))
    return tuple(mounts)


def _write_files(folder: Path, files: Files) -> None:
    for name, file in files.items():
        _write_if_changed(folder / name, file.content, file.mode)
    wanted = {folder / name for name in files}
    for path in folder.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()


def _write_if_changed(path: Path, content: bytes, mode: int) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as target:
        target.write(content)
    fresh.chmod(mode)
    fresh.replace(path)
