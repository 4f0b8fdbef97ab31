"""Builds container images by buildah, which needs neither a daemon nor root."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

PROGRAM = "buildah"
FILES = ("Containerfile", "Dockerfile")
_TOLD_CHARACTERS = 2000


class BuildError(RuntimeError):
    """A build that failed, or could not begin."""


def program() -> str:
    """Path of buildah.

    Raises:
        BuildError: this worker has none.

    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise BuildError(
            f"{PROGRAM} is missing on this worker's PATH: images are built by it; add it to the "
            "worker image"
        )
    return found


def build_file(context: Path) -> Path:
    """Path of the file that says how the image is built.

    Raises:
        BuildError: the folder has none.

    """
    for name in FILES:
        if (context / name).is_file():
            return context / name
    raise BuildError(f"{context.name} is no folder with a {' or '.join(FILES)}")


def mark(context: Path) -> str:
    """A hash of a folder: names, contents, what may be executed, where links lead."""
    whole = hashlib.sha256()
    for path in sorted(context.rglob("*")):
        name = path.relative_to(context).as_posix()
        if path.is_symlink():
            whole.update(f"link {name} {path.readlink()}\0".encode())
        elif path.is_file():
            with path.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
            whole.update(f"file {name} {path.stat().st_mode & 0o111} {found}\0".encode())
    return whole.hexdigest()


def build(name: str, context: Path, archive: Path) -> None:
    """Build the image of a folder and write it to an archive (OCI), which must not exist.

    Raises:
        BuildError: with the end of what buildah said.

    """
    image, file = f"localhost/{name}", build_file(context)
    with TemporaryDirectory(prefix="buildah-", ignore_cleanup_errors=True) as storage:
        # A store of its own: nothing of another build, and nothing left behind.
        tool = [program(), "--root", f"{storage}/root", "--runroot", f"{storage}/run"]
        # In a pod without privileges, neither overlay mounts nor namespaces can be had.
        tool += ["--storage-driver", "vfs"]
        isolated = ["--isolation", "chroot"]
        _run([*tool, "build", *isolated, "--tag", image, "--file", str(file), str(context)])
        _run([*tool, "push", image, f"oci-archive:{archive}:{name}"])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-_TOLD_CHARACTERS:]
        raise BuildError(f"{PROGRAM} ended with {done.returncode}: {said}")
