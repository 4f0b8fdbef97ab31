"""How the cluster is reached that a base has made: the kubeconfig that the base's stack tells."""

import os
import shlex
import subprocess
from pathlib import Path

from fleet.files import OWNER_ONLY, write_atomically
from fleet.project import Project

_FOLDER = "kubeconfigs"


def kept_kubeconfig(project: Project, stack: str) -> Path:
    """Where a stack's own is kept, once it was asked for."""
    return project.state / _FOLDER / f"{stack}.json"


def pasted(project: Project, path: Path) -> str:
    """Return a path of the project's state as a command names it that is pasted here.

    It is relative where that can be: CI shows commands to readers whose checkouts lie elsewhere.
    """
    inside = all(each.is_relative_to(project.root) for each in (path, Path.cwd()))
    return shlex.quote(os.path.relpath(path) if inside else str(path))


def told_kubeconfig(project: Project, stack: str, pulumi: Path) -> Path | None:
    """Ask a stack for its output `kubeconfig`, and keep it in a file of the project's state.

    It holds no credential: each use makes a token anew, as whoever is signed in to AWS.

    Returns:
        The file; None where the stack tells none, or cannot be asked, of which the command that
        needs the stack next says why.

    """
    asked = subprocess.run(
        [pulumi, "stack", "output", "kubeconfig", "--show-secrets", "--stack", stack],
        cwd=project.root,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if asked.returncode:
        return None
    path = kept_kubeconfig(project, stack)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, asked.stdout, OWNER_ONLY)
    return path
