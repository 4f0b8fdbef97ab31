"""A stand-in for a storage provisioner: a folder for each claim."""

import asyncio
import logging
import shutil
from pathlib import Path

from rehearsal.node_agent.api.client import ApiClient
from rehearsal.node_agent.api.errors import ApiError, ApiRefusedError
from rehearsal.node_agent.model.base import JsonObject
from rehearsal.node_agent.model.claim import Claim, PersistentVolume, StorageClass
from rehearsal.node_agent.rules.provisioning import (
    folder_of,
    is_at,
    is_to_delete,
    is_to_provision,
    volume_name,
    volume_object,
)

_RETRY_S = 1.0
_VOLUMES = "/api/v1/persistentvolumes"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"

_log = logging.getLogger(__name__)


class Provisioner:
    """Gives each claim of its StorageClass a volume, and deletes those that are released."""

    def __init__(self, api: ApiClient, folder: Path) -> None:
        self._api = api
        self._folder = folder
        self._claims: dict[str, Claim] = {}
        self._volumes: dict[str, PersistentVolume] = {}
        self._changed = asyncio.Event()

    def on_claim(self, item: JsonObject) -> None:
        claim = Claim.model_validate(item)
        self._claims[claim.metadata.uid] = claim
        self._changed.set()

    def on_claim_gone(self, item: JsonObject) -> None:
        self._claims.pop(item["metadata"]["uid"], None)

    def on_volume(self, item: JsonObject) -> None:
        volume = PersistentVolume.model_validate(item)
        self._volumes[volume.metadata.name] = volume
        self._changed.set()

    def on_volume_gone(self, item: JsonObject) -> None:
        self._volumes.pop(item["metadata"]["name"], None)
        self._changed.set()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._settle()
            except (ApiError, OSError) as error:
                _log.warning("volumes: %s", error)
                await asyncio.sleep(_RETRY_S)
                self._changed.set()

    async def _settle(self) -> None:
        for volume in [v for v in self._volumes.values() if is_to_delete(v)]:
            await self._delete(volume)
        for claim in [c for c in self._claims.values() if is_to_provision(c)]:
            await self._provision(claim)

    async def _provision(self, claim: Claim) -> None:
        volumes = self._volumes.values()
        folder = folder_of(claim, self._folder, volumes)
        if volume_name(claim) in self._volumes or any(is_at(folder, each) for each in volumes):
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = f"{_CLASSES}/{claim.spec.storage_class_name}"
        storage_class = StorageClass.model_validate(await self._api.get(path))
        try:
            await self._api.create(_VOLUMES, volume_object(claim, storage_class, folder))
        except ApiRefusedError as error:
            if not error.conflict:
                raise

    async def _delete(self, volume: PersistentVolume) -> None:
        folder = Path(volume.local_path or "")
        if folder.is_relative_to(self._folder):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        try:
            await self._api.delete(f"{_VOLUMES}/{volume.metadata.name}")
        except ApiRefusedError as error:
            if not error.not_found:
                raise
