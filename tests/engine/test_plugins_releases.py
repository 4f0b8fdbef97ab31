"""Helm releases under the stand-in: checked, recorded as Helm would, and taken away again."""

import base64
import gzip
import json

import pytest

from tests.engine.control_plane import Cluster
from tests.engine.project import Project

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PROGRAM = """
import pulumi
from pulumi_kubernetes.helm.v3 import Release

made = Release(
    "keda",
    name="keda",
    chart="keda",
    version="{version}",
    repository_opts={{"repo": "https://kedacore.github.io/charts"}},
    namespace="charts",
    create_namespace=True,
    values={{"operator": {{"replicaCount": {replicas}}}, "token": pulumi.Output.secret("hunter2")}},
)
pulumi.export("status", made.status.status)
"""
RECORD = "/api/v1/namespaces/charts/secrets/sh.helm.release.v1.keda.v1"


def write(project: Project, version: str = "2.21.0", replicas: int = 2) -> None:
    project.write(PROGRAM.format(version=version, replicas=replicas))


def recorded(cluster: Cluster) -> dict[str, object]:
    data = base64.b64decode(cluster.get(RECORD)["data"]["release"])
    found: dict[str, object] = json.loads(gzip.decompress(base64.b64decode(data)))
    return found


def test_a_release_is_recorded_changed_in_place_and_taken_away(
    project: Project, cluster: Cluster
) -> None:
    write(project)
    project.succeed("preview")
    assert not cluster.exists(RECORD)

    told = project.up()
    assert "its chart is not installed" in told
    assert project.output("status") == "deployed"
    assert recorded(cluster)["config"] == {"operator": {"replicaCount": 2}, "token": "hunter2"}
    assert "hunter2" not in project.succeed("stack", "export")
    project.up("--expect-no-changes")
    project.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    write(project, replicas=3)
    assert "1 to update" in project.succeed("preview")
    project.up()
    assert recorded(cluster)["config"] == {"operator": {"replicaCount": 3}, "token": "hunter2"}

    project.succeed("destroy", "--yes", "--skip-preview")
    assert not cluster.exists(RECORD)
    assert cluster.exists("/api/v1/namespaces/charts")


def test_a_version_that_nobody_knows_is_refused_at_preview(
    project: Project, cluster: Cluster
) -> None:
    write(project, version="2.99.0")

    told = project.fail("preview")

    assert "version 2.99.0 of chart keda is not known here, only 2.21.0" in told
    assert cluster.is_ready()
