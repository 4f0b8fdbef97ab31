"""Pods with the fleet's labels or logins run its images only, and its rollouts are let in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra import names
from infra.manifests.image_admission import fleet_images, image_policy
from infra.models.fleet import FleetConfig
from tests.whole.refusals import CORE, Door, Object, main, pod_of
from tests.whole.running_fleet import NAMESPACE, PATIENT, RunningFleet, until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(240)]

POLICY = f"ValidatingAdmissionPolicy '{NAMESPACE}-images'"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
STRANGER = "registry.test/stranger:1"
# The rehearsal runs it as it runs every release of this image.
NEXT = "oliver006/redis_exporter:next"
EXPORTER = names.REDIS_EXPORTER


def plain(container: Object) -> Object:
    """What every kind of container may have."""
    kept = ("image", "resources", "securityContext")
    return {"name": "plain", **{key: container[key] for key in kept}}


BROKER: Object = {"secretName": names.BROKER}
FROM_BROKER: Object = {"secretKeyRef": {"name": names.BROKER, "key": "brokerUrl"}}
# What bears no label of the fleet, and reads its logins.
READS: dict[str, Callable[[Object], Any]] = {
    "a volume": lambda pod: pod["spec"].update(volumes=[{"name": "v", "secret": BROKER}]),
    "a part of a volume": lambda pod: pod["spec"].update(
        volumes=[{"name": "v", "projected": {"sources": [{"secret": {"name": names.BROKER}}]}}]
    ),
    "a variable": lambda pod: main(pod).update(env=[{"name": "V", "valueFrom": FROM_BROKER}]),
    "all variables": lambda pod: main(pod).update(
        envFrom=[{"secretRef": {"name": names.API_TOKEN}}]
    ),
    "a variable before the start": lambda pod: pod["spec"].update(
        initContainers=[plain(main(pod)) | {"env": [{"name": "V", "valueFrom": FROM_BROKER}]}]
    ),
}


@pytest.fixture
def strange(pod: Object) -> Object:
    """One of another image and without a label, as restricted as the fleet's."""
    main(pod).update(image=STRANGER, env=[])
    del pod["metadata"]["labels"]
    pod["spec"]["volumes"] = []
    main(pod)["volumeMounts"] = []
    return pod


@pytest.mark.parametrize("name", ["worker-labeling", f"worker-{PATIENT}", "beat", "api", EXPORTER])
def test_the_fleets_own_pods_are_let_in(door: Door, running: RunningFleet, name: str) -> None:
    assert door.refusal("pods", pod_of(running, name)) == ""


def test_a_worker_of_another_image_is_refused_by_name(door: Door, pod: Object) -> None:
    main(pod)["image"] = STRANGER

    told = door.refusal("pods", pod)

    assert POLICY in told
    assert f"{STRANGER} is none of celery-fleet/worker:local" in told


def test_another_image_is_refused_beside_and_before_a_workers_own(door: Door, pod: Object) -> None:
    for kind in ("containers", "initContainers"):
        more = plain(main(pod)) | {"name": "more", "image": STRANGER}
        spec = pod["spec"] | {kind: [*pod["spec"].get(kind, ()), more]}

        assert POLICY in door.refusal("pods", {**pod, "spec": spec}), kind


def test_only_the_exporter_runs_the_exporters_image(
    door: Door, running: RunningFleet, pod: Object
) -> None:
    exporter = pod_of(running, EXPORTER)
    main(pod)["image"], main(exporter)["image"] = main(exporter)["image"], main(pod)["image"]

    assert POLICY in door.refusal("pods", pod)
    assert POLICY in door.refusal("pods", exporter)


def test_each_label_that_others_select_by_makes_a_pod_the_fleets(door: Door, pod: Object) -> None:
    labels = pod["metadata"]["labels"]
    main(pod)["image"] = STRANGER
    alike: list[dict[str, str]] = [
        {key: labels[key] for key in labels if key.endswith(("/name", "/instance"))},
        {"app.kubernetes.io/part-of": "celery-fleet"},
        {"celery-fleet.dev/worker": "default"},
    ]
    pod["spec"]["volumes"], main(pod)["volumeMounts"], main(pod)["env"] = [], [], []
    for chosen in alike:
        assert POLICY in door.refusal("pods", pod | {"metadata": {"name": "x", "labels": chosen}})
    assert door.refusal("pods", pod | {"metadata": {"name": "x", "labels": {"app": "x"}}}) == ""


@pytest.mark.parametrize("what", READS)
def test_a_pod_without_labels_that_reads_a_login_runs_the_fleets_image(
    door: Door, strange: Object, what: str
) -> None:
    READS[what](strange)
    assert POLICY in door.refusal("pods", strange)

    for each in (*strange["spec"]["containers"], *strange["spec"].get("initContainers", ())):
        each["image"] = "celery-fleet/worker:local"
    assert door.refusal("pods", strange) == ""


def test_a_pod_that_has_nothing_to_do_with_the_fleet_is_let_in(door: Door, strange: Object) -> None:
    other = {"name": "v", "secret": {"secretName": "brokerage"}}
    strange["spec"]["volumes"] = [other]

    assert door.refusal("pods", strange) == ""


def test_a_running_pod_gets_no_other_image_by_any_way(door: Door, running: RunningFleet) -> None:
    items = running.cluster.items(f"{CORE}/pods", labelSelector="app.kubernetes.io/component=beat")
    (name,) = (each["metadata"]["name"] for each in items)
    safe = main(pod_of(running, "beat"))["securityContext"]

    def look(image: str) -> Object:
        container = {"name": "look", "image": image, "securityContext": safe}
        return {"spec": {"ephemeralContainers": [container]}}

    other = {"spec": {"containers": [{"name": "beat", "image": STRANGER}]}}
    assert POLICY in door.refused_change(f"pods/{name}", other)
    assert POLICY in door.refused_change(f"pods/{name}/ephemeralcontainers", look(STRANGER))
    own = look("celery-fleet/worker:local")
    assert door.refused_change(f"pods/{name}/ephemeralcontainers", own) == ""
    assert door.refused_change(f"pods/{name}", {"metadata": {"annotations": {"a": "b"}}}) == ""


def test_a_pod_becomes_none_of_the_fleets_by_a_label_that_comes_later(
    door: Door, strange: Object
) -> None:
    strange["metadata"] = {"name": "admission-try", "labels": {"app": "x"}}
    strange["spec"]["schedulingGates"] = [{"name": "celery-fleet.dev/never"}]
    door.server.post(f"{CORE}/pods", json=strange).raise_for_status()
    late = {"metadata": {"labels": {"celery-fleet.dev/worker": "default"}}}

    told = door.refused_change("pods/admission-try", late)

    door.server.delete(f"{CORE}/pods/admission-try").raise_for_status()
    assert POLICY in told


def test_a_replica_set_of_another_image_is_refused_and_so_are_its_pods(
    door: Door, pod: Object
) -> None:
    main(pod)["image"] = STRANGER
    labels = pod["metadata"]["labels"]
    template = {"metadata": {"labels": labels}, "spec": pod["spec"]}
    selector = {"matchLabels": labels}
    alike = {"metadata": {"name": "alike"}, "spec": {"selector": selector, "template": template}}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "alike", "uid": "u"}
    pod["metadata"]["ownerReferences"] = [owner | {"controller": True}]

    assert POLICY in door.refusal("replicasets", alike)
    assert POLICY in door.refusal("pods", pod)
    # Of what has been let in, the cluster's own controller makes pods without being asked again.
    controller = door.as_user(CONTROLLER, "system:masters")
    assert controller.refusal("pods", pod) == ""
    # One account may run all controllers, that of Jobs among them.
    all_controllers = door.as_user("system:kube-controller-manager", "system:masters")
    assert all_controllers.refusal("pods", pod) == ""
    owner |= {"apiVersion": "batch/v1", "kind": "Job"}
    pod["metadata"]["ownerReferences"] = [owner | {"controller": True}]
    assert POLICY in all_controllers.refusal("pods", pod)


def test_a_rollout_and_its_undo_are_let_in_while_the_policy_names_the_new_image_only(
    door: Door, running: RunningFleet
) -> None:
    former = main(pod_of(running, EXPORTER))["image"]
    with policy_of(door, running, NEXT):
        kubectl(running, "set", "image", f"deployment/{EXPORTER}", f"{EXPORTER}={NEXT}")
        rolled_out(running)
        assert images_of_exporters(running) == {NEXT}
        kubectl(running, "rollout", "undo", f"deployment/{EXPORTER}")
        rolled_out(running)
        assert images_of_exporters(running) == {former}


def test_the_policys_expressions_fit_what_they_are_asked_of(running: RunningFleet) -> None:
    for name in (names.images(NAMESPACE), names.own_pod(NAMESPACE)):
        status = (running.cluster.get(f"{POLICIES}/{name}") or {})["status"]

        assert status["observedGeneration"] >= 1
        assert status.get("typeChecking", {}).get("expressionWarnings", []) == [], name


@contextmanager
def policy_of(door: Door, running: RunningFleet, exporter: str) -> Iterator[None]:
    """The policy as an `up` with another image of the exporter leaves it, and then as it was."""
    path = f"{POLICIES}/{names.images(NAMESPACE)}"
    before = door.server.get(path).raise_for_status().json()
    manager = before["metadata"]["managedFields"][0]["manager"]
    raw = running.config.model_dump(by_alias=True)
    raw["monitoring"]["redisExporterImage"] = exporter
    config = FleetConfig.model_validate(raw)

    def put(spec: Object) -> None:
        headers = {"Content-Type": "application/merge-patch+json"}
        query = {"fieldManager": manager}
        answer = door.server.patch(path, json={"spec": spec}, params=query, headers=headers)
        answer.raise_for_status()

    pod = pod_of(running, EXPORTER)
    put(image_policy(config, fleet_images(config)))
    try:
        until(lambda: door.refusal("pods", pod) or None, 5, "the former image is named no more")
        yield
    finally:
        put(before["spec"])
        until(lambda: not door.refusal("pods", pod) or None, 5, "the policy is as it was")


def images_of_exporters(running: RunningFleet) -> set[str]:
    """Of pods that are to stay."""
    selector = f"app.kubernetes.io/component={EXPORTER}"
    pods = running.cluster.items(f"{CORE}/pods", labelSelector=selector)
    return {main(pod)["image"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


def rolled_out(running: RunningFleet) -> None:
    kubectl(running, "rollout", "status", f"deployment/{EXPORTER}", "--timeout=20s")


def kubectl(running: RunningFleet, *words: str) -> str:
    ended = running._run(["kubectl", "-n", NAMESPACE, *words], running.environment)
    assert ended.returncode == 0, ended.output
    return ended.output
