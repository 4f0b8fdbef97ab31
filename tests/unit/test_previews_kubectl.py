"""kubectl on a preview ends in time, and what it fails of is told."""

import os
import time
from pathlib import Path

import pytest

from fleet.previews.kubectl import Kubectl
from fleet.previews.place import Place
from fleet.project import Project
from rehearsal.errors import RehearsalError
from tests.unit.preview_stage import NAME, base, preview


def kubectl(folder: Path, script: str, limit_s: float = 60.0) -> Kubectl:
    """One whose program is a script."""
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    project = Project(folder, folder / "state")
    place = Place(project, "local", base("local").config, Path("/bin/pulumi"), path)
    return Kubectl(place, preview("local"), limit_s)


def test_it_means_the_previews_own_context_and_namespace_and_bounds_each_request(
    tmp_path: Path,
) -> None:
    told = kubectl(tmp_path, 'echo "$@"; cat').run("create", "-f", "-", given="a pod")

    bounds = f"--context=rehearsal --namespace={NAME} --request-timeout=30s"
    assert told == f"{bounds} create -f -\na pod"


def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()

    with pytest.raises(RehearsalError, match=r"`kubectl delete pods` has not ended in 0 s"):
        kubectl(tmp_path, "exec sleep 600", limit_s=0.3).run("delete", "pods", "--all")
    assert time.monotonic() - began < 100


def test_what_it_complains_of_is_told_with_the_namespace(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError) as caught:
        kubectl(tmp_path, "echo not yours >&2; exit 1").run("logs", "forget-keys")

    assert caught.value.why == "`kubectl logs forget-keys`: not yours"
    assert caught.value.where == f"namespace {NAME}"
