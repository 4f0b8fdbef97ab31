"""How the cluster is reached that a base has made: the kubeconfig that the base's stack tells."""

import os
import subprocess
from pathlib import Path

from fleet.files import OWNER_ONLY, write_atomically
from fleet.project import Project

_FOLDER = "kubeconfigs"


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
    path = project.state / _FOLDER / f"{stack}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, asked.stdout, OWNER_ONLY)
    return path
