"""The worker image, built from a checkout; base, packages and layers are kept in the cache."""

import os
import shutil
import sys
from pathlib import Path

from rehearsal.image.base import ensure_base, python_version
from rehearsal.image.programs import run
from rehearsal.image.store import Image, ImageStore, Kind
from rehearsal.image.wheels import ensure_wheels
from rehearsal.toolchain.folders import cache_root
from rehearsal.toolchain.lock import held

_LOCK = "worker_image/requirements.txt"


class WorkerImage:
    """Builds from a copy of the sources, so that an edit meanwhile does not matter."""

    def __init__(self, checkout: Path, scratch: Path) -> None:
        self.cache = cache_root(os.environ, Path.home()) / "image"
        self._context = scratch / "context"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(checkout / "worker_image", self._context / "worker_image", ignore=ignored)
        with held(self.cache / "lock", print):
            self.python = python_version(ensure_base(self.cache))
            self.packages = self._packages()
            wanted = self.packages.split()
            lock = self._context / _LOCK
            ensure_wheels(lock, wanted, self.python, self.cache / "wheels")
            self.store = ImageStore(self.cache)

    def build(
        self, target: str, tag: str, *, kind: Kind = "oci", cached: bool = True, **values: str
    ) -> Image:
        """Build a flavour, `cpu` or `gpu`, of packages that lie here.

        Raises:
            RehearsalError: with the end of what buildah said.

        """
        local = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/mnt", "PACKAGES": self.packages}
        with held(self.cache / "lock", print):
            return self.store.build(
                self._context, target, tag, kind=kind, cached=cached, **(local | values)
            )

    def _packages(self) -> str:
        """Return what the image's label has to say, as the image's own code reads the lock."""
        asked = [sys.executable, "-m", "worker_image.sbom", self.python, _LOCK]
        return run(asked, "reading the image's lock", self._context).strip()
