"""The janitor's Deployment: one light pod, under the same restrictions as all others."""

from typing import Any

import pytest

from fleet.export.compose import compose_file
from fleet.export.systemd import TARGET, unit_files
from infra.manifests.deployment import janitor_deployment
from tests.unit.recorder import Recorder, imagineer, render
from tests.unit.test_fleet_export import HOME
from tests.unit.test_worker_contract import FLEETS

CHECKSUM = "celery-fleet.dev/settings-checksum"


@pytest.fixture
def pod(fleet: Recorder) -> dict[str, Any]:
    found: dict[str, Any] = fleet.of_kind("Deployment")["janitor"]["spec"]["template"]["spec"]
    return found


def mark(**changes: Any) -> str:
    told: str = janitor_deployment(imagineer(**changes))["template"]["metadata"]["annotations"][
        CHECKSUM
    ]
    return told


def changed(queue: str, **changes: Any) -> dict[str, Any]:
    queues: dict[str, Any] = imagineer().model_dump(by_alias=True)["queues"]
    queues[queue] |= changes
    return queues


def test_there_is_one_janitor_and_a_new_one_waits_for_the_old_ones_end(fleet: Recorder) -> None:
    spec = fleet.of_kind("Deployment")["janitor"]["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert "janitor" not in fleet.of_kind("ScaledObject")


def test_it_is_probed_by_its_heartbeat_and_answers_prometheus(pod: dict[str, Any]) -> None:
    (main,) = pod["containers"]

    assert main["command"] == ["python", "-m", "worker_image.janitor"]
    for probe in ("startupProbe", "livenessProbe"):
        assert "FLEET_HEARTBEAT_FILE" in main[probe]["exec"]["command"][-1]
    (port,) = main["ports"]
    env = {each["name"]: each.get("value") for each in main["env"]}
    assert port["name"] == "metrics"
    assert env["FLEET_METRICS_PORT"] == str(int(port["containerPort"]))
    # It is no worker: none of its own would be counted.
    assert "FLEET_WORKER" not in env


def test_it_is_restricted_as_beat_is_and_lighter(fleet: Recorder, pod: dict[str, Any]) -> None:
    beat = fleet.of_kind("Deployment")["beat"]["spec"]["template"]["spec"]

    for key in ("securityContext", "automountServiceAccountToken", "volumes"):
        assert pod[key] == beat[key]
    (mine,), (its,) = pod["containers"], beat["containers"]
    assert mine["securityContext"] == its["securityContext"]
    assert mine["resources"]["requests"] == {"cpu": "25m", "memory": "96Mi"}
    assert pod["terminationGracePeriodSeconds"] < beat["terminationGracePeriodSeconds"]


def test_it_is_rolled_for_where_messages_lie_and_for_nothing_else() -> None:
    before = mark()

    assert mark(queues=changed("scraping", rateLimits={})) == before
    assert mark(queues=changed("scraping", alert={"pending": 7, "forMinutes": 1})) == before
    assert mark(queues=changed("labeling", priorities=False, fair=True)) != before
    broker = imagineer().model_dump(by_alias=True)["broker"]
    assert mark(broker=broker | {"keyPrefix": "blue:"}) != before
    assert mark(broker=broker | {"visibilityTimeoutSeconds": 99_999}) != before


@pytest.mark.parametrize("name", FLEETS)
def test_every_stack_has_it_with_the_resources_of_the_program(name: str) -> None:
    (main,) = janitor_deployment(FLEETS[name])["template"]["spec"]["containers"]

    assert main["resources"]["limits"] == {"cpu": "250m", "memory": "192Mi"}


def test_supervisors_without_pods_run_it_too_and_open_no_port() -> None:
    config = FLEETS["imagineer"]
    units = unit_files(config, "test", HOME)
    unit = units["celery-fleet-janitor.service"].splitlines()

    assert "ExecStart=/opt/celery-fleet/venv/bin/python -m worker_image.janitor" in unit
    assert "Wants=celery-fleet-janitor.service" in units[TARGET].splitlines()
    assert not [line for line in unit if "FLEET_METRICS_PORT" in line]
    compose = compose_file(config, "test", own_broker=True)
    assert "  janitor:" in compose
    assert "9808" not in compose


def test_the_whole_program_declares_it_under_a_component_of_its_own() -> None:
    fleet = render(imagineer())

    types = [r.typ for r in fleet.resources if r.name == "janitor"]
    assert sorted(types) == ["celery-fleet:janitor:Janitor", "kubernetes:apps/v1:Deployment"]
