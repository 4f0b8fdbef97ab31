"""A store of images and layers that buildah keeps in the cache, apart from the machine's own."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rehearsal.image.base import SUITE, ensure_base
from rehearsal.image.programs import HostProgram, ensure_program, run
from rehearsal.toolchain.disk import size_mib

# Every file and the image itself carry it, so that two builds give the same bytes.
TIMESTAMP_S = 1_700_000_000
_BASE = f"localhost/base:{SUITE}"
_FULL_MIB = 6 * 1024


Kind = Literal["oci", "docker"]


@dataclass(frozen=True)
class Layer:
    """One layer: what made it, and the size of what it adds."""

    created_by: str
    mib: float


@dataclass(frozen=True)
class Image:
    """An image as its store tells it."""

    image_id: str
    """The digest of its configuration, which names the digest of each layer."""
    config: Mapping[str, object]
    layers: tuple[Layer, ...]


class ImageStore:
    """buildah on a store of its own; without a daemon, namespaces or a registry."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._folder = cache / "store"
        self._buildah: HostProgram = ensure_program("buildah", cache)
        # Layers of older sources are kept for quick builds, but not for ever.
        if self._folder.is_dir() and size_mib(self._folder) > _FULL_MIB:
            shutil.rmtree(self._folder)
        self._driver = "overlay" if _mounts_overlay(self._scratch) else "vfs"
        if _BASE not in self._run("images", "--format", "{{.Name}}:{{.Tag}}").split():
            self._import_base()

    def build(
        self,
        context: Path,
        target: str,
        tag: str,
        *,
        kind: Kind = "oci",
        cached: bool = True,
        **values: str,
    ) -> Image:
        """Build one target of the worker image's Dockerfile.

        Args:
            context: a checkout, or a copy of what the Dockerfile reads of it.
            target: `cpu` or `gpu`.
            tag: what the image is called in this store.
            kind: only `docker` keeps a HEALTHCHECK, and only `oci` is the same bytes each time:
                buildah writes its containers' random names into the other.
            cached: whether layers of earlier builds may be used.
            values: build arguments besides the base.

        Raises:
            RehearsalError: with the end of what buildah said.

        """
        arguments = {"BASE": _BASE, **values}
        file = context / "worker_image" / "Dockerfile"
        self._run(
            "build",
            *("--isolation=chroot", f"--format={kind}", f"--timestamp={TIMESTAMP_S}"),
            *("--layers", "--no-cache" if not cached else "--pull=never"),
            *(f"--file={file}", f"--ignorefile={file}.dockerignore"),
            *(f"--target={target}", f"--tag=localhost/{tag}"),
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            f"--volume={self._cache / 'wheels'}:/mnt:ro",
            str(context),
        )
        return self.image(tag)

    def image(self, tag: str) -> Image:
        """Return what the store knows of an image."""
        told = json.loads(self._run("inspect", "--type=image", f"localhost/{tag}"))
        docker = told["Docker"]
        sizes = self._layer_sizes_mib(tag)
        made = [each for each in docker["history"] if not each.get("empty_layer")]
        layers = zip(made, sizes, strict=True)
        return Image(
            image_id=told["FromImageID"],
            config=docker["config"],
            layers=tuple(Layer(str(each.get("created_by", "")), mib) for each, mib in layers),
        )

    def root_of(self, tag: str, folder: Path) -> Path:
        """Unpack an image's files into a new folder, as a container would see them."""
        container = self._run("from", "--pull=never", f"localhost/{tag}").strip()
        mount, unmount = (shlex.join(self._argv(each, container)) for each in ("mount", "umount"))
        copy = f'cp --archive "$mounted/." {shlex.quote(str(folder))}'
        try:
            # One shell: what is mounted is seen, and stays, only where it was mounted.
            script = f'mounted="$({mount})" && {copy} && {unmount}'
            own = ["unshare", "--mount", "sh", "-c", script]
            run(own, "unpacking the image", env=self._buildah.env)
        finally:
            self._run("rm", container)
        return folder

    def _layer_sizes_mib(self, tag: str) -> list[float]:
        archive = self._cache / f"sizes-{tag.replace(':', '-')}"
        shutil.rmtree(archive, ignore_errors=True)
        try:
            self._run("push", "--disable-compression", f"localhost/{tag}", f"dir:{archive}")
            manifest = json.loads((archive / "manifest.json").read_text())
            return [layer["size"] / 2**20 for layer in manifest["layers"]]
        finally:
            shutil.rmtree(archive, ignore_errors=True)

    def _import_base(self) -> None:
        base = ensure_base(self._cache)
        container = self._run("from", "scratch").strip()
        self._run("add", "--quiet", container, str(base), "/")
        self._run(
            *("commit", "--quiet", "--rm"),
            *(f"--timestamp={TIMESTAMP_S}", container, _BASE),
        )

    @property
    def _scratch(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def _run(self, *arguments: str) -> str:
        # Its mounts end with it, also where it is killed; else they would keep the cache busy.
        argv = ["unshare", "--mount", *self._buildah.before, *self._argv(*arguments)]
        return run(argv, f"buildah {arguments[0]}", env=self._buildah.env)

    def _argv(self, *arguments: str) -> list[str]:
        policy = self._folder / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        registries = self._folder / "registries.conf"
        registries.write_text("unqualified-search-registries = []\n")
        place = [f"--root={self._folder / 'root'}", f"--runroot={self._folder / 'run'}"]
        place += [f"--storage-driver={self._driver}", f"--registries-conf={registries}"]
        signed = {"build", "from", "commit", "push"} & set(arguments[:1])
        options = [f"--signature-policy={policy}"] if signed else []
        return [str(self._buildah.path), *place, arguments[0], *options, *arguments[1:]]


def _mounts_overlay(folder: Path) -> bool:
    """Whether this process may mount an overlay there; else every layer is a full copy."""
    parts = {name: folder / f"try-{name}" for name in ("lower", "upper", "work", "merged")}
    for part in parts.values():
        part.mkdir(exist_ok=True)
    told = ",".join(f"{name}dir={parts[name]}" for name in ("lower", "upper", "work"))
    merged = str(parts["merged"])
    mount = ["mount", "-t", "overlay", "overlay", "-o", told, merged]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    if mounted:
        subprocess.run(["umount", merged], check=True)
    return mounted
