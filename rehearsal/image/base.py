"""A stand-in for the pinned Python base: Debian with its own Python, laid out as slim bases are."""

import os
import shutil
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.image.programs import ensure_program, run

SUITE = "bookworm"
_INCLUDE = ("ca-certificates", "python3", "python3-venv")
# What slim bases leave out as well: package lists, logs, documents, compiled files.
_LEFT_OUT = (
    "var/cache/apt/*",
    "var/lib/apt/lists/*",
    "var/log/*",
    "usr/share/doc/*",
    "usr/share/man/*",
    "usr/share/locale/*",
)


def ensure_base(cache: Path) -> Path:
    """Return the folder of the stand-in base's files, made once by debootstrap.

    Raises:
        RehearsalError: without root, or where debootstrap fails.

    """
    base = cache / f"base-{SUITE}"
    if base.is_dir():
        return base
    if os.geteuid() != 0:
        raise RehearsalError(
            what="the base of the worker image cannot be made",
            why="debootstrap needs root, to unpack packages as their owners",
            mend="run this once as root, with CELERY_FLEET_CACHE naming your own cache",
        )
    draft = cache / f"{base.name}.unfinished"
    shutil.rmtree(draft, ignore_errors=True)
    debootstrap = ensure_program("debootstrap", cache)
    run(
        [
            str(debootstrap.path),
            "--variant=minbase",
            f"--include={','.join(_INCLUDE)}",
            SUITE,
            str(draft),
            _mirror(),
        ],
        "making the base by debootstrap",
        env=debootstrap.env,
    )
    _trim(draft)
    draft.rename(base)
    return base


def python_version(base: Path) -> str:
    """Return the full version of the base's Python, which decides what the lock installs."""
    asked = [
        "chroot",
        str(base),
        "python3",
        "-c",
        "import platform as p; print(p.python_version())",
    ]
    return run(asked, "asking the base for its Python").strip()


def _mirror() -> str:
    """Return where this machine's apt takes the suite from."""
    told = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {SUITE}"],
        "asking apt for its mirror",
    ).split()
    if not told:
        raise RehearsalError(
            what="the base of the worker image cannot be made",
            why=f"apt on this machine knows no source of {SUITE}",
            mend=f"add one for {SUITE} to apt's sources",
        )
    return told[0]


def _trim(root: Path) -> None:
    (root / "usr/local/bin/python").symlink_to("../../bin/python3")
    for pattern in (*_LEFT_OUT, "usr/**/__pycache__"):
        for path in list(root.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
