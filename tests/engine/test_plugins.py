"""The Kubernetes stand-in under the real CLI and a real API server: what a Pulumi user sees."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engine.control_plane import Cluster
from tests.engine.project import Project
from tests.engine.sample import program

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

OBJECTS = {
    "namespace": "/api/v1/namespaces/{ns}",
    "settings": "/api/v1/namespaces/{ns}/configmaps/settings",
    "token": "/api/v1/namespaces/{ns}/secrets/token",
    "worker": "/apis/apps/v1/namespaces/{ns}/deployments/worker",
    "service": "/api/v1/namespaces/{ns}/services/api",
    "widget": "/apis/{ns}.example.org/v1/namespaces/{ns}/widgets/widget",
}


def path(name: str, namespace: str) -> str:
    return OBJECTS[name].format(ns=namespace)


def versions(cluster: Cluster, namespace: str) -> dict[str, str]:
    return {
        name: cluster.get(path(name, namespace))["metadata"]["resourceVersion"] for name in OBJECTS
    }


def test_a_stack_is_previewed_made_left_alone_and_destroyed(
    project: Project, cluster: Cluster
) -> None:
    project.write(program("whole"))

    previewed = project.succeed("preview", "--diff")
    assert "+ 8 to create" in previewed
    assert "hunter2" not in previewed
    assert not cluster.exists(path("namespace", "whole"))

    project.up()
    worker = cluster.get(path("worker", "whole"))["spec"]["template"]["spec"]
    assert worker["terminationGracePeriodSeconds"] == 30
    assert worker["containers"][0]["env"] == [{"name": "SETTINGS", "value": "settings"}]
    assert cluster.get(path("widget", "whole"))["spec"] == {"size": 3, "ratio": 0.5}
    secret = cluster.get(path("token", "whole"))["data"]["token"]
    assert base64.b64decode(secret) == b"hunter2"

    before = versions(cluster, "whole")
    project.up("--expect-no-changes")
    project.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert versions(cluster, "whole") == before

    project.succeed("destroy", "--yes", "--skip-preview")
    assert not cluster.exists(path("namespace", "whole"))
    assert project.resources() == {}


def test_an_update_touches_only_the_object_it_is_about(project: Project, cluster: Cluster) -> None:
    project.write(program("update"))
    project.up()
    before = versions(cluster, "update")

    project.write(program("update", grace="60"))
    previewed = project.succeed("preview", "--diff")
    project.up()

    assert "terminationGracePeriodSeconds: 30 => 60" in previewed
    changed = {name for name, now in versions(cluster, "update").items() if now != before[name]}
    assert changed == {"worker"}
    worker = cluster.get(path("worker", "update"))["spec"]["template"]["spec"]
    assert worker["terminationGracePeriodSeconds"] == 60


def test_replicas_that_a_scaler_moves_are_no_drift(project: Project, cluster: Cluster) -> None:
    project.write(program("scaled"))
    project.up()
    scale = f"{path('worker', 'scaled')}/scale"
    cluster.patch(scale, {"spec": {"replicas": 4}}, manager="kube-controller-manager")

    project.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    project.up("--expect-no-changes")
    project.write(program("scaled", image="2"))
    project.up()

    worker = cluster.get(path("worker", "scaled"))["spec"]
    assert worker["replicas"] == 4
    assert worker["template"]["spec"]["containers"][0]["image"] == "worker:2"


def test_a_field_that_kubectl_changed_is_drift_and_is_set_back(
    project: Project, cluster: Cluster
) -> None:
    project.write(program("drift"))
    project.up()
    cluster.patch(path("service", "drift"), {"spec": {"selector": {"app": "other"}}})
    cluster.patch(path("service", "drift"), {"metadata": {"labels": {"added": "by-hand"}}})

    seen = project.succeed("refresh", "--preview-only", "--diff")
    assert '"worker" => "other"' in seen
    assert "added" not in seen.partition("Resources:")[0]

    project.succeed("refresh", "--yes", "--skip-preview")
    project.up()
    assert cluster.get(path("service", "drift"))["spec"]["selector"] == {"app": "worker"}
    project.up("--expect-no-changes")


def test_an_object_deleted_by_hand_disappears_on_refresh_and_comes_back(
    project: Project, cluster: Cluster
) -> None:
    project.write(program("deleted"))
    project.up()
    cluster.delete(path("settings", "deleted"))

    project.succeed("refresh", "--yes", "--skip-preview")
    assert "settings" not in project.resources()
    project.up()
    assert cluster.exists(path("settings", "deleted"))


def test_a_new_name_replaces_the_object(project: Project, cluster: Cluster) -> None:
    project.write(program("rename"))
    project.up()

    project.write(program("rename", worker="worker-b"))
    previewed = project.succeed("preview", "--diff")
    project.up()

    assert "+-1 to replace" in previewed
    assert not cluster.exists(path("worker", "rename"))
    assert cluster.exists(f"{path('worker', 'rename')}-b")


def test_data_that_may_not_change_in_place_go_before_they_come_anew(
    project: Project, cluster: Cluster
) -> None:
    project.write(program("data"))
    project.up()
    uid = cluster.get(path("settings", "data"))["metadata"]["uid"]

    project.write(program("data", level="debug"))
    project.up()
    replaced = cluster.get(path("settings", "data"))
    assert replaced["data"] == {"level": "debug"}
    assert replaced["metadata"]["uid"] != uid

    project.succeed("config", "set", "kubernetes:enableConfigMapMutable", "true")
    project.write(program("data", level="trace"))
    project.up()
    updated = cluster.get(path("settings", "data"))
    assert updated["data"] == {"level": "trace"}
    assert updated["metadata"]["uid"] == replaced["metadata"]["uid"]


def test_an_object_still_on_its_way_out_is_waited_for_by_its_successor(
    project: Project, cluster: Cluster
) -> None:
    project.write(program("leaving"))
    project.up()
    held = {"metadata": {"finalizers": ["celery-fleet.dev/held"]}}
    cluster.patch(path("worker", "leaving"), held)
    uid = cluster.get(path("worker", "leaving"))["metadata"]["uid"]

    project.write(program("leaving", level="debug"))
    with ThreadPoolExecutor() as other:
        replacing = other.submit(project.up)
        while "deletionTimestamp" not in cluster.get(path("worker", "leaving"))["metadata"]:
            assert not replacing.done(), replacing.result()
            time.sleep(0.05)
        # Past the engine's next step, which creates the successor.
        settings = path("settings", "leaving")
        while cluster.client.get(settings).json().get("data") != {"level": "debug"}:
            assert not replacing.done(), replacing.result()
            time.sleep(0.05)
        time.sleep(0.5)
        assert not replacing.done(), replacing.result()
        cluster.patch(path("worker", "leaving"), {"metadata": {"finalizers": []}})
        replacing.result()

    assert cluster.get(path("worker", "leaving"))["metadata"]["uid"] != uid


def test_secrets_are_encrypted_in_the_state_and_never_shown(
    project: Project, cluster: Cluster
) -> None:
    project.write(program("secret"))
    told = project.up()
    project.write(program("secret", password="correct-battery"))
    told += project.succeed("preview", "--diff")
    state = json.dumps(project.resources())

    for text in ("hunter2", "correct-battery"):
        encoded = base64.b64encode(text.encode()).decode()
        assert text not in told + state
        assert encoded not in told + state
    assert project.output("token") == "hunter2"
    assert cluster.exists(path("token", "secret"))
