"""The operator's commands sign in to a real API server as a kubeconfig for EKS says."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from fleet.cluster_place import ClusterElsewhere
from infra.manifests.aws.kubeconfig import kubeconfig
from rehearsal.cloud.aws_command import STATE
from tests.engine.control_plane import Cluster
from tests.unit.aws_stack import aws_stack

pytestmark = pytest.mark.engine


def test_a_stacks_own_kubeconfig_signs_in_by_the_aws_command(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`aws` is the rehearsal's stand-in; it gives the credential of the API server's own admin."""
    own = json.loads(kubeconfig("fleet-prod", "", "", "eu-central-1"))
    # The server signed its certificate itself, so the fixture's kubeconfig asks for none.
    own["clusters"][0]["cluster"] = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0][
        "cluster"
    ]
    (tmp_path / "kubeconfig").write_text(json.dumps(own))
    aws = tmp_path / "aws"
    aws.write_text(f'#!/bin/sh\nexec {sys.executable} -m rehearsal.cloud.aws_command "$@"\n')
    aws.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv(STATE, str(cluster.kubeconfig.parent))

    found = ClusterElsewhere(str(tmp_path / "kubeconfig"), "prod", aws_stack()).connect()

    with found._http:
        assert "kube-system" in {n["metadata"]["name"] for n in found.items("/api/v1/namespaces")}
