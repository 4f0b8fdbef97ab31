"""Has buildah and debootstrap ready: from PATH, or unpacked from Debian's packages into the cache.

Nothing is installed: apt only downloads.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.toolchain.debian import DebianError, unpack

# buildah's own libraries; the rest is on every Debian.
_PACKAGES = {
    "buildah": (
        "buildah",
        "golang-github-containers-common",
        "golang-github-containers-image",
        "libassuan0",
        "libdevmapper1.02.1",
        "libgpgme11",
        "libseccomp2",
    ),
    "debootstrap": ("debootstrap",),
}


@dataclass(frozen=True)
class HostProgram:
    """A program with the environment it needs."""

    path: Path
    env: Mapping[str, str]
    before: Sequence[str] = ()
    """Words before its command line in a mount namespace of its own."""


def ensure_program(name: str, cache: Path) -> HostProgram:
    """Return the program, having unpacked it where PATH has none.

    Raises:
        RehearsalError: where it is not there and apt cannot fetch it.

    """
    if on_path := shutil.which(name):
        return HostProgram(Path(on_path), {})
    root = cache / "debian" / name
    if not (root / "complete").is_file():
        _unpack(name, root)
    libraries = sorted(str(folder) for folder in root.glob("usr/lib/*-linux-gnu"))
    found = next(iter(root.glob(f"usr/*bin/{name}")))
    env = {"LD_LIBRARY_PATH": ":".join(libraries), "DEBOOTSTRAP_DIR": f"{root}/usr/share/{name}"}
    return HostProgram(found, env, _finding_libraries(root))


def _finding_libraries(root: Path) -> list[str]:
    """By these words a program finds its package's libraries, and so does all that it starts.

    The environment alone does not do: buildah (1.28) starts its chroot runtime without it.
    """
    listed = root / "ld.so.cache"
    if not listed.is_file():
        program = "/sbin/ldconfig" if os.access("/sbin/ldconfig", os.X_OK) else "ldconfig"
        folders = map(str, root.glob("usr/lib/*-linux-gnu"))
        run([program, "-X", "-C", str(listed), *folders], f"listing libraries of {root.name}")
    return ["sh", "-c", 'mount --bind "$0" /etc/ld.so.cache && exec "$@"', str(listed)]


def run(
    argv: Sequence[str], doing: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a program; what it wrote to its standard output.

    Raises:
        RehearsalError: with the end of what it said.

    """
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise RehearsalError(
            what=f"{doing} failed",
            why=f"{argv[0]} is missing on this machine",
            mend="build the image on Debian or a system made from it, where apt has it",
        ) from None
    except subprocess.CalledProcessError as error:
        raise RehearsalError(
            what=f"{doing} failed",
            why=f"{Path(argv[0]).name} ended with {error.returncode}: "
            + "\n".join(f"{error.stdout}{error.stderr}".splitlines()[-15:]),
            mend="read the lines above; apt and pip have to reach their registries once",
        ) from None
    return done.stdout


def _unpack(name: str, root: Path) -> None:
    try:
        unpack(_PACKAGES[name], root)
    except DebianError as error:
        raise RehearsalError(
            what=f"{name} is not on this machine, and is not to be had from Debian's packages",
            why=str(error),
            mend=f"put {name} on PATH, or build the image on Debian or a system made from it, with "
            "apt reaching its packages once",
        ) from error
    (root / "complete").touch()
