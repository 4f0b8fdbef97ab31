"""The pod that tells Prometheus of the broker: restricted, over TLS, with a login that reads."""

from pathlib import Path
from typing import Any

import pytest

from fleet import rehearsal_spec
from fleet.project import Project
from infra.config import load_file
from infra.manifests.redis_exporter import PROGRAM
from infra.manifests.releases import REDIS_EXPORTER_IMAGE
from rehearsal.node_agent.rules.images import image_of
from tests.unit.aws_stage import changed, opened, rendered, stack
from tests.unit.recorder import CONNECTION, ROOT, Recorder, imagineer, render

STACKS = ("prod", "staging")
ON = {"kind": "existing", "redisExporter": True}
COPY = "registry.test/mirror/redis_exporter:v1"
MARK = "celery-fleet.dev/broker-checksum"


@pytest.fixture(scope="module")
def fleet() -> Recorder:
    return render(imagineer(monitoring=ON))


def spec(found: Recorder) -> dict[str, Any]:
    told: dict[str, Any] = found.of_kind("Deployment")["redis-exporter"]["spec"]
    return told


def pod(found: Recorder) -> dict[str, Any]:
    told: dict[str, Any] = spec(found)["template"]["spec"]
    return told


def literals(pod: dict[str, Any]) -> dict[str, str]:
    (main,) = pod["containers"]
    return {each["name"]: each["value"] for each in main["env"] if "value" in each}


def secrets(pod: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Name and key of a Secret by the variable that it fills."""
    (main,) = pod["containers"]
    found = {each["name"]: each.get("valueFrom", {}).get("secretKeyRef") for each in main["env"]}
    return {name: (ref["name"], ref["key"]) for name, ref in found.items() if ref}


def of_prod() -> dict[str, Any]:
    found = stack("prod").of("Deployment")["redis-exporter"].inputs["spec"]["template"]
    told: dict[str, Any] = found["spec"]
    return told


def test_it_is_one_light_pod_that_answers_prometheus(fleet: Recorder) -> None:
    (main,) = pod(fleet)["containers"]

    assert spec(fleet)["replicas"] == 1
    assert main["resources"]["requests"] == {"cpu": "10m", "memory": "32Mi"}
    assert [port["name"] for port in main["ports"]] == ["metrics"]
    port = int(main["ports"][0]["containerPort"])
    assert literals(pod(fleet))["REDIS_EXPORTER_WEB_LISTEN_ADDRESS"] == f"[$(POD_IP)]:{port}"


def test_a_broker_that_is_away_does_not_start_it_again(fleet: Recorder) -> None:
    (main,) = pod(fleet)["containers"]

    # This page asks no broker.
    for probe in ("readinessProbe", "livenessProbe"):
        assert main[probe]["httpGet"] == {"path": "/health", "port": "metrics"}


def test_it_logs_in_from_the_secret_and_over_tls_with_the_brokers_ca(fleet: Recorder) -> None:
    told, (main,) = literals(pod(fleet)), pod(fleet)["containers"]

    assert main["command"] == [PROGRAM]
    assert "args" not in main
    assert secrets(pod(fleet)) == {
        "BROKER_ADDRESS": ("broker", "address"),
        "REDIS_USER": ("broker", "username"),
        "REDIS_PASSWORD": ("broker", "password"),
    }
    assert told["REDIS_ADDR"] == "rediss://$(BROKER_ADDRESS)"
    (mount,), (volume,) = main["volumeMounts"], pod(fleet)["volumes"]
    assert told["REDIS_EXPORTER_TLS_CA_CERT_FILE"] == f"{mount['mountPath']}/ca.crt"
    # Of the Secret with the login it sees a file of the CA alone.
    assert volume["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
    order = [each["name"] for each in main["env"]]
    assert order.index("BROKER_ADDRESS") < order.index("REDIS_ADDR")
    assert order.index("POD_IP") < order.index("REDIS_EXPORTER_WEB_LISTEN_ADDRESS")


def test_nobody_can_make_it_log_in_elsewhere(fleet: Recorder) -> None:
    assert literals(pod(fleet))["REDIS_EXPORTER_DISABLE_SCRAPE_ENDPOINT"] == "true"


def test_where_the_stack_makes_the_users_it_has_one_that_reads_figures_only() -> None:
    found = stack("prod")

    assert {name for name, _ in secrets(of_prod()).values()} == {"broker-exporter"}
    secret = opened(found.of("Secret")["broker-exporter"].inputs["stringData"])
    assert (secret["username"], secret["password"]) == ("exporter", "drawn-broker-exporter")
    assert "brokerUrl" not in secret
    access = found.of("User")["broker-exporter"].inputs["accessString"].split()
    assert access[:2] == ["on", "-@all"]
    assert not [word for word in access if word.startswith(("~", "%", "&", "+@"))]
    # Amazon's CA is in the image.
    assert "REDIS_EXPORTER_TLS_CA_CERT_FILE" not in literals(of_prod())


def test_it_is_rolled_for_its_own_login_and_no_other() -> None:
    broker = stack("staging").config.broker.model_dump(by_alias=True)

    def marks(**credentials: Any) -> dict[str, str]:
        found = rendered(changed("staging", broker={**broker, "credentials": credentials}))
        return {
            name: each.inputs["spec"]["template"]["metadata"]["annotations"][MARK]
            for name, each in found.of("Deployment").items()
        }

    before, fleets = marks(), marks(active="green")
    assert {name for name in before if before[name] == fleets[name]} == {"redis-exporter"}
    numbers = [
        rendered(changed("staging", broker={**broker, "credentials": {"exporter": number}}))
        .of("RandomPassword")["broker-exporter"]
        .inputs["keepers"]
        for number in (1, 2)
    ]
    assert numbers[0] != numbers[1]


def test_a_changed_password_of_an_existing_broker_rolls_it(fleet: Recorder) -> None:
    rotated = Recorder(connection={**CONNECTION, "password": "rotated"})

    before, after = (
        spec(found)["template"]["metadata"]["annotations"][MARK]
        for found in (fleet, render(imagineer(monitoring=ON), rotated))
    )
    assert before != after


def test_it_comes_with_the_rules_unless_the_stack_says_otherwise() -> None:
    assert "redis-exporter" not in render(imagineer()).of_kind("Deployment")
    assert imagineer(monitoring={"kind": "existing", "rules": True}).monitoring.redis_exporter
    without = {"kind": "existing", "rules": True, "redisExporter": False}
    found = render(imagineer(monitoring=without))
    assert found.of_kind("PrometheusRule")
    assert "redis-exporter" not in found.of_kind("Deployment")
    assert [load_file(ROOT / f"Pulumi.{n}.yaml").monitoring.redis_exporter for n in STACKS] == [
        True,
        True,
    ]


def test_a_stack_may_name_a_copy_of_its_image(fleet: Recorder) -> None:
    (main,) = pod(render(imagineer(monitoring={**ON, "redisExporterImage": COPY})))["containers"]
    assert main["image"] == COPY
    (main,) = pod(fleet)["containers"]
    assert main["image"] == REDIS_EXPORTER_IMAGE


def test_the_rehearsal_runs_this_machines_program_in_place_of_any_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "redis_exporter"
    asked: list[str] = []
    monkeypatch.setattr(rehearsal_spec, "ensure_redis_exporter", lambda tell: tell("!") or program)
    project = Project(tmp_path, tmp_path)
    stacks = {
        "a": imagineer(monitoring=ON),
        "b": imagineer(monitoring={**ON, "redisExporterImage": COPY}),
        "c": imagineer(),
    }

    images = rehearsal_spec.rehearsal_spec(project, stacks, asked.append).images

    for reference in (REDIS_EXPORTER_IMAGE, COPY):
        image = image_of(images, reference)
        assert image is not None
        assert image.programs == {PROGRAM: program}
    assert asked == ["!", "!"]
    assert len(rehearsal_spec.rehearsal_spec(project, {"c": stacks["c"]}).images) == 1
