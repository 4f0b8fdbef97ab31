"""What the program declares for Imagineer's stack, and invariants of any fleet."""

import json
from base64 import b64encode
from typing import Any

import pytest

from infra.manifests.broker import broker_secret
from tests.unit.recorder import CONNECTION, Recorder, imagineer, render

WORKERS = ("default", "labeling", "scraping", "training")


def flags(deployment: dict[str, Any]) -> dict[str, str]:
    command = pod(deployment)["containers"][0]["command"]
    return dict(part.split("=", 1) for part in command if part.startswith("--") and "=" in part)


def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def test_each_worker_has_one_deployment_and_one_scaled_object_on_it(fleet: Recorder) -> None:
    scaled = fleet.of_kind("ScaledObject")

    targets = {name: so["spec"]["scaleTargetRef"]["name"] for name, so in scaled.items()}
    assert targets == {f"worker-{name}": f"worker-{name}" for name in WORKERS}
    assert set(targets.values()) <= set(fleet.of_kind("Deployment"))


def test_a_deployment_under_a_scaled_object_sets_no_replicas(fleet: Recorder) -> None:
    deployments = fleet.of_kind("Deployment")

    assert all(
        "replicas" not in deployments[name]["spec"] for name in fleet.of_kind("ScaledObject")
    )


@pytest.mark.parametrize("worker", WORKERS)
def test_keda_counts_the_lists_that_the_worker_consumes_and_its_own_in_flight(
    fleet: Recorder, worker: str
) -> None:
    consumed = flags(fleet.of_kind("Deployment")[f"worker-{worker}"])["--queues"].split(",")
    triggers = fleet.of_kind("ScaledObject")[f"worker-{worker}"]["spec"]["triggers"]

    lists = [trigger["metadata"]["listName"] for trigger in triggers]
    assert {name.split(":")[0] for name in lists[:-1]} == set(consumed)
    settings = json.loads(fleet.of_kind("ConfigMap")["celery-settings"]["data"]["settings.json"])
    assert lists[-1] == settings["workers"][worker]["inFlightKey"]


def test_no_trigger_carries_an_address_or_a_password(fleet: Recorder) -> None:
    rendered = json.dumps(fleet.of_kind("ScaledObject"))

    assert CONNECTION["host"] not in rendered
    assert CONNECTION["password"] not in rendered


def test_keda_reads_address_credentials_and_tls_from_the_fleets_secret(fleet: Recorder) -> None:
    authentication = fleet.of_kind("TriggerAuthentication")["broker"]["spec"]["secretTargetRef"]

    assert {ref["parameter"] for ref in authentication} == {
        "address",
        "username",
        "password",
        "tls",
        "ca",
    }
    keys = {ref["key"] for ref in authentication}
    assert keys <= set(broker_secret(_encoded(CONNECTION), "a/b", 1))


def test_no_password_is_a_plain_value_in_a_pod(fleet: Recorder) -> None:
    for deployment in fleet.of_kind("Deployment").values():
        literals = [env.get("value", "") for env in pod(deployment)["containers"][0]["env"]]

        assert not any("rediss://" in value or value == "token" for value in literals)


def test_grace_exceeds_the_hard_limit_and_without_leases_visibility_exceeds_both() -> None:
    broker = imagineer().model_dump(by_alias=True)["broker"]
    for delivery in ("stock", "lease"):
        fleet = render(imagineer(broker=broker | {"delivery": delivery}))
        text = fleet.of_kind("ConfigMap")["celery-settings"]["data"]["settings.json"]
        settings = json.loads(text)
        assert settings["delivery"] == delivery
        for name in WORKERS:
            deployment = fleet.of_kind("Deployment")[f"worker-{name}"]
            limit = int(flags(deployment)["--time-limit"])
            grace = pod(deployment)["terminationGracePeriodSeconds"]

            assert grace > limit
            if delivery == "stock":
                assert settings["visibilityTimeoutSeconds"] > limit + grace
            else:
                assert settings["visibilityTimeoutSeconds"] == 180


def test_gpu_limit_selector_and_toleration_come_together(fleet: Recorder) -> None:
    training = pod(fleet.of_kind("Deployment")["worker-training"])

    assert training["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert training["nodeSelector"] == {"celery-fleet.dev/node-group": "gpu"}
    assert [t["key"] for t in training["tolerations"]] == ["nvidia.com/gpu"]


def test_there_is_one_beat_and_two_never_run_side_by_side(fleet: Recorder) -> None:
    beats = [
        name
        for name, deployment in fleet.of_kind("Deployment").items()
        if "beat" in pod(deployment)["containers"][0]["command"]
    ]

    assert beats == ["beat"]
    spec = fleet.of_kind("Deployment")["beat"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_every_pod_is_restricted(fleet: Recorder) -> None:
    namespace = fleet.of_kind("Namespace")["celery-fleet-local"]["metadata"]["labels"]
    assert namespace["pod-security.kubernetes.io/enforce"] == "restricted"
    for deployment in fleet.of_kind("Deployment").values():
        spec, main = pod(deployment), pod(deployment)["containers"][0]

        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["automountServiceAccountToken"] is False
        assert main["securityContext"]["readOnlyRootFilesystem"] is True
        assert main["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_every_pod_has_requests_limits_and_a_liveness_probe(fleet: Recorder) -> None:
    for deployment in fleet.of_kind("Deployment").values():
        main = pod(deployment)["containers"][0]

        assert {"cpu", "memory"} <= set(main["resources"]["requests"])
        assert {"cpu", "memory"} <= set(main["resources"]["limits"])
        assert "livenessProbe" in main


def test_workers_and_beat_answer_prometheus_where_their_pods_say(fleet: Recorder) -> None:
    for name in ("worker-default", "worker-training", "beat"):
        main = pod(fleet.of_kind("Deployment")[name])["containers"][0]
        (told,) = (e["value"] for e in main["env"] if e["name"] == "FLEET_METRICS_PORT")

        assert main["ports"] == [{"name": "metrics", "containerPort": int(told), "protocol": "TCP"}]


def test_every_object_says_that_it_is_part_of_the_fleet(fleet: Recorder) -> None:
    objects = [r.inputs for r in fleet.resources if r.inputs.get("kind")]

    assert objects
    for inputs in objects:
        assert inputs["metadata"]["labels"]["app.kubernetes.io/part-of"] == "celery-fleet"


def test_every_selector_selects_the_pods_of_its_own_template(fleet: Recorder) -> None:
    for deployment in fleet.of_kind("Deployment").values():
        wanted = deployment["spec"]["selector"]["matchLabels"].items()

        assert wanted <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_the_cluster_is_named_so_that_no_other_can_be_filled(fleet: Recorder) -> None:
    provider = next(r for r in fleet.resources if r.typ == "pulumi:providers:kubernetes")

    assert provider.inputs["context"] == "rehearsal"


def test_the_key_prefix_reaches_keda_and_the_image_alike() -> None:
    broker = {
        "kind": "existing",
        "connectionSecret": {"namespace": "a", "name": "b"},
        "keyPrefix": "blue:",
    }
    fleet = render(imagineer(broker=broker))

    settings = json.loads(fleet.of_kind("ConfigMap")["celery-settings"]["data"]["settings.json"])
    triggers = fleet.of_kind("ScaledObject")["worker-training"]["spec"]["triggers"]
    assert settings["keyPrefix"] == "blue:"
    assert [t["metadata"]["listName"] for t in triggers] == [
        "blue:training",
        "blue:unacked:training",
    ]


def test_a_changed_password_rolls_every_pod() -> None:
    before = render(imagineer()).of_kind("Deployment")
    rotated = Recorder(connection={**CONNECTION, "password": "rotated"})
    after = render(imagineer(), rotated).of_kind("Deployment")

    def marks(deployments: dict[str, dict[str, Any]]) -> dict[str, str]:
        key = "celery-fleet.dev/broker-checksum"
        return {
            name: d["spec"]["template"]["metadata"]["annotations"][key]
            for name, d in deployments.items()
        }

    assert all(marks(before)[name] != marks(after)[name] for name in before)


def test_a_changed_token_rolls_the_api_alone_and_shows_nowhere_but_in_its_secret() -> None:
    before, after = (render(imagineer(), given=t).of_kind("Deployment") for t in ("one", "other"))

    rolled = {name for name in before if before[name]["spec"] != after[name]["spec"]}
    assert rolled == {"api"}
    annotations = after["api"]["spec"]["template"]["metadata"]["annotations"]
    assert "other" not in annotations.values()


def test_changing_one_queue_leaves_the_other_workers_untouched() -> None:
    before = render(imagineer())
    queues = imagineer().model_dump(by_alias=True)["queues"]
    queues["scraping"]["rateLimits"] = {}
    after = render(imagineer(queues=queues))

    changed = {
        name
        for name, deployment in before.of_kind("Deployment").items()
        if deployment != after.of_kind("Deployment")[name]
    }
    assert changed == {"worker-scraping", "beat", "api"}


def test_a_connection_secret_without_a_password_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"rehearsal/broker lacks password: it needs host"):
        broker_secret(_encoded({**CONNECTION, "password": ""}), "rehearsal/broker", 60)


def test_a_password_with_special_characters_survives_in_the_broker_url() -> None:
    secret = broker_secret(_encoded(CONNECTION), "a/b", 60)

    assert secret["brokerUrl"] == (
        "rediss://fleet:p%2Fw%3Ad@127.0.0.1:6380/0?ssl_cert_reqs=required"
    )
    assert "/1?" in secret["resultBackend"]


def _encoded(connection: dict[str, str]) -> dict[str, str]:
    return {key: b64encode(value.encode()).decode() for key, value in connection.items()}
