"""A worker tells its own pod's deletion cost to a real API server, which keeps it to that."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra import names
from infra.manifests.own_pod import admission_binding, admission_policy, role_rules, subjects
from infra.models.fleet import FleetConfig
from tests.rehearsal.stage import Stage
from tests.rehearsal.worker_fleet import Fleet, eventually
from tests.unit.recorder import imagineer
from worker_image.pod_deletion_cost import ANNOTATION, OwnPod, PatchError

pytestmark = pytest.mark.rehearsal

WORK = """
from worker_image.app import app
app.loader.import_default_modules()
app.send_task("worker_image.tasks.canary.work", kwargs={{"seconds": {seconds}}})
"""
NAMESPACE = "own-pod"
WORKER = "training"


def telling() -> FleetConfig:
    raw = imagineer().model_dump(by_alias=True)["workers"]
    raw[WORKER]["podDeletionCost"] = True
    return imagineer(workers=raw, namespace=NAMESPACE)


@pytest.fixture(scope="module")
def account(stage: Stage) -> Stage:
    """The stage with the namespace, account, Role and policy that a fleet would make."""
    config, core = telling(), f"/api/v1/namespaces/{NAMESPACE}"
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
    admission = "/apis/admissionregistration.k8s.io/v1"
    meta = {"metadata": {"name": names.OWN_POD}}
    wide = {"metadata": {"name": names.own_pod(NAMESPACE)}}
    stage.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    policies = f"{admission}/validatingadmissionpolicies"
    stage.create(policies, wide | {"spec": admission_policy(config, [WORKER])})
    stage.create(
        f"{admission}/validatingadmissionpolicybindings", wide | {"spec": admission_binding(config)}
    )
    stage.create(f"{core}/serviceaccounts", {"metadata": {"name": names.worker_object(WORKER)}})
    stage.create(f"{rbac}/roles", meta | {"rules": role_rules()})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": names.OWN_POD}
    bound = meta | {"roleRef": role, "subjects": subjects(config, [WORKER])}
    stage.create(f"{rbac}/rolebindings", bound)
    template = {
        "metadata": {"labels": {"app": "worker"}},
        "spec": {
            "serviceAccountName": names.worker_object(WORKER),
            "nodeSelector": {"nowhere": "true"},
            "containers": [{"name": "worker", "image": "worker"}],
        },
    }
    replicas = {
        "metadata": {"name": "workers"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "worker"}},
            "template": template,
        },
    }
    stage.create(f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets", replicas)
    eventually(lambda: len(pods(stage)) == 2, within_s=30)
    return stage


def pods(stage: Stage) -> dict[str, dict[str, Any]]:
    found = stage.get(f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
    return {
        pod["metadata"]["name"]: pod for pod in found if "deletionTimestamp" not in pod["metadata"]
    }


def cost(stage: Stage, pod: str) -> str | None:
    annotations = pods(stage)[pod]["metadata"].get("annotations", {})
    told: str | None = annotations.get(ANNOTATION)
    return told


def mounted(stage: Stage, pod: str, folder: Path) -> Path:
    """The files that Kubernetes would mount into this pod, with a token bound to it."""
    uid = pods(stage)[pod]["metadata"]["uid"]
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{names.worker_object(WORKER)}/token"
    to = {"kind": "Pod", "apiVersion": "v1", "name": pod, "uid": uid}
    answer = stage.api.post(path, json={"spec": {"boundObjectRef": to}})
    answer.raise_for_status()
    folder.mkdir()
    (folder / "token").write_text(answer.json()["status"]["token"])
    (folder / "namespace").write_text(NAMESPACE)
    authority = stage.layout.certificates / "ca.crt"
    (folder / "ca.crt").write_text(authority.read_text())
    return folder


def port(stage: Stage) -> int:
    return int(stage.status().ports["kube_apiserver"])


@pytest.mark.timeout(240)
def test_the_idle_pod_goes_and_the_busy_one_stays(
    account: Stage, fleet: Fleet, tmp_path: Path
) -> None:
    busy, idle = sorted(pods(account))
    worker = fleet.launch(
        "default",
        *("--queues=default", "--concurrency=1", "--without-mingle"),
        POD_NAME=busy,
        FLEET_SERVICE_ACCOUNT_DIR=str(mounted(account, busy, tmp_path / "account")),
        KUBERNETES_SERVICE_HOST="127.0.0.1",
        KUBERNETES_SERVICE_PORT=str(port(account)),
    )
    eventually(fleet.heartbeat("default").exists)
    assert cost(account, busy) is None
    fleet.publish(WORK.format(seconds=14))
    eventually(lambda: cost(account, busy) == "1")
    eventually(lambda: cost(account, busy) == "0", within_s=30)  # told once its task has ended
    fleet.publish(WORK.format(seconds=40))
    eventually(lambda: cost(account, busy) == "1", within_s=30)

    scale = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets/workers"
    merge = {"Content-Type": "application/merge-patch+json"}
    change = json.dumps({"spec": {"replicas": 1}})
    account.api.patch(scale, content=change, headers=merge).raise_for_status()

    eventually(lambda: len(pods(account)) == 1)
    assert list(pods(account)) == [busy], f"{idle} was idle"
    _end(worker)


def test_a_workers_token_is_good_for_its_own_pods_annotations_only(
    account: Stage, tmp_path: Path
) -> None:
    change = json.dumps({"spec": {"replicas": 2}})
    scale = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets/workers"
    merge = {"Content-Type": "application/merge-patch+json"}
    account.api.patch(scale, content=change, headers=merge).raise_for_status()
    eventually(lambda: len(pods(account)) == 2)
    own, other = sorted(pods(account))
    folder = mounted(account, own, tmp_path / "account")
    mine = OwnPod(own, folder, "127.0.0.1", port(account))

    with pytest.raises(PatchError, match=r"status 42.*a worker may change its own pod only"):
        OwnPod(other, folder, "127.0.0.1", port(account)).annotate(7)
    # What Kubernetes itself lets change in a pod's spec, as its images.
    status, told = mine._patch({"spec": {"activeDeadlineSeconds": 100}})
    assert status == 422
    assert "a worker may change annotations only" in told
    mine.annotate(3)

    assert cost(account, own) == "3"
    assert cost(account, other) != "7"


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait(timeout=20)
