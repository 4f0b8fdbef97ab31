"""A pod's account on the node agent: where the API server is, and whom it takes the pod for."""

import json

import pytest

from tests.rehearsal.node_agent.cluster import NodeCluster

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(120)]

FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
WHO_AM_I = """
import os, ssl, httpx
from pathlib import Path
folder = Path(os.environ["ACCOUNT"])
host, port = (os.environ[f"KUBERNETES_SERVICE_{name}"] for name in ("HOST", "PORT"))
answer = httpx.post(
    f"https://{host}:{port}/apis/authentication.k8s.io/v1/selfsubjectreviews",
    json={"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"},
    headers={"Authorization": f"Bearer {(folder / 'token').read_text()}"},
    verify=ssl.create_default_context(cafile=folder / "ca.crt"),
)
print(answer.raise_for_status().text)
"""


def test_a_pod_asks_the_api_server_as_itself(cluster: NodeCluster) -> None:
    cluster.run(
        "asks",
        *("python3", "-c", WHO_AM_I),
        spec={"restartPolicy": "Never", "automountServiceAccountToken": True},
        env=[{"name": "ACCOUNT", "value": FOLDER}],
    )

    pod = cluster.wait_phase("asks", "Succeeded")
    told = json.loads(cluster.log("asks"))["status"]["userInfo"]

    assert told["username"] == f"system:serviceaccount:{cluster.namespace}:default"
    assert told["extra"]["authentication.kubernetes.io/pod-uid"] == [pod["metadata"]["uid"]]
