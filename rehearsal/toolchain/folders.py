"""Where tools and Go's caches lie: outside the tree, so that checkouts share them."""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.toolchain.pins import MODULES, PINS, Pin, cache_key


@dataclass(frozen=True)
class CacheFolders:
    """The cache: `tools/<key>` is kept as long as the pins hold, `go` only serves builds."""

    root: Path
    key: str

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def tools(self) -> Path:
        return self.root / "tools" / self.key

    @property
    def bin(self) -> Path:
        return self.tools / "bin"

    @property
    def crds(self) -> Path:
        return self.tools / "crds"

    @property
    def seals(self) -> Path:
        """A record per tool of its checksum, written when it was built."""
        return self.tools / "seals"

    @property
    def logs(self) -> Path:
        return self.tools / "logs"

    @property
    def unfinished(self) -> Path:
        """Builds write here and move away what is whole; emptied before a build."""
        return self.tools / "unfinished"

    @property
    def go(self) -> Path:
        return self.root / "go"

    @property
    def go_modules(self) -> Path:
        return self.go / "mod"

    @property
    def go_builds(self) -> Path:
        return self.go / "build"

    @property
    def go_scratch(self) -> Path:
        """Go's temporary files; on the cache's disk, since they outgrow a small /tmp."""
        return self.go / "scratch"

    def go_sdk(self, requirements_digest: str) -> Path:
        """Return where a Go toolchain of our own is unpacked."""
        return self.go / f"sdk-{requirements_digest[:12]}"


def cache_root(environ: Mapping[str, str], home: Path) -> Path:
    """Return the cache's folder; `CELERY_FLEET_CACHE` moves it, else XDG's rules hold."""
    if chosen := environ.get("CELERY_FLEET_CACHE"):
        return Path(chosen).expanduser().absolute()
    # The XDG specification: a relative path there is invalid and is ignored.
    xdg = Path(environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else home / ".cache") / "celery-fleet"


def cache_folders(environ: Mapping[str, str]) -> CacheFolders:
    """Return the cache for this machine and the rehearsal's pins."""
    return folders_of(PINS, environ)


def folders_of(pins: Iterable[Pin], environ: Mapping[str, str]) -> CacheFolders:
    """Return the cache for this machine and these pins."""
    key = cache_key(pins, MODULES, f"{platform.system()}/{platform.machine()}")
    return CacheFolders(cache_root(environ, Path.home()), key)
