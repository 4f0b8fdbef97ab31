"""The fleet's own program and stack files in a folder of their own, for previews."""

import os
import shutil
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from tests.engine.control_plane import Cluster
from tests.engine.project import Project
from tests.unit.recorder import CONNECTION, IMAGINEER, ROOT

_LINKED = ("Pulumi.yaml", "Pulumi.README.md", "infra", "worker_image")
_CONTEXT = "rehearsal"


def own_stack(root: Path, stack: str, like: Project, kubeconfig: Path) -> Project:
    """The checkout by links, with one stack; the backend and plugins are another project's."""
    root.mkdir()
    for name in _LINKED:
        (root / name).symlink_to(ROOT / name)
    # Pulumi.yaml names it.
    (root / ".venv").symlink_to(Path(sys.prefix))
    committed = IMAGINEER if stack == "local" else ROOT / f"Pulumi.{stack}.yaml"
    shutil.copy(committed, root / f"Pulumi.{stack}.yaml")
    environ: Mapping[str, str] = {**like.environ, "KUBECONFIG": str(kubeconfig)}
    project = replace(like, root=root, environ=environ)
    project.succeed("stack", "init", stack)
    project.succeed("config", "set", "--secret", "apiToken", "made-up-token", "--stack", stack)
    return project


def as_rehearsal(cluster: Cluster, folder: Path) -> Path:
    """Give a bare cluster what stack `local` finds there: its context, the broker's login."""
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["contexts"][0]["name"] = document["current-context"] = _CONTEXT
    file = folder / f"{_CONTEXT}-{os.getpid()}"
    file.write_text(yaml.safe_dump(document))
    if not cluster.exists(f"/api/v1/namespaces/{_CONTEXT}"):
        cluster.create("/api/v1/namespaces", {"metadata": {"name": _CONTEXT}})
        login = {key: b64encode(value.encode()).decode() for key, value in CONNECTION.items()}
        secret = {"metadata": {"name": "broker"}, "data": login}
        cluster.create(f"/api/v1/namespaces/{_CONTEXT}/secrets", secret)
    return file
