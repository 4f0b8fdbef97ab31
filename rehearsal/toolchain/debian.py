"""Unpacks packages of the distribution into a folder: nothing is installed, so no rights matter."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_TIMEOUT_S = 600


class DebianError(Exception):
    """Why packages are not to be had, in one sentence."""


def unpack(packages: Sequence[str], target: Path) -> None:
    """Leave the whole of the packages in a folder of their own, or nothing.

    Raises DebianError where apt or dpkg is not there, or fails.
    """
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _download(packages, partial)
        for archive in sorted(partial.glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(archive), str(partial)], partial)
            archive.unlink()
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _download(packages: Sequence[str], folder: Path) -> None:
    """Ask apt by the machine's own package lists, or by fresh ones where it has none."""
    try:
        _run(["apt-get", "--quiet", "download", *packages], folder)
    except DebianError:
        state = folder / "apt"
        own = ["-o", f"Dir::State={state / 'state'}", "-o", f"Dir::Cache={state / 'cache'}"]
        for part in ("state/lists/partial", "cache/archives/partial"):
            (state / part).mkdir(parents=True)
        _run(["apt-get", "--quiet", *own, "update"], folder)
        _run(["apt-get", "--quiet", *own, "download", *packages], folder)
        shutil.rmtree(state)


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DebianError(str(error)) from error
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise DebianError(f"`{command[0]}` failed: {last}")
