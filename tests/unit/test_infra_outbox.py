"""Where the API keeps what it accepts while the broker is away: on what outlives its pod."""

from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from fleet.export.compose import compose_file
from fleet.export.systemd import unit_files
from infra.manifests.deployment import api_deployment, beat_deployment, worker_deployment
from infra.models.fleet import FleetConfig
from tests.unit.recorder import imagineer

VARIABLE = "FLEET_OUTBOX_DIR"


def with_outbox() -> FleetConfig:
    return imagineer(api={"outbox": True, "replicas": 2})


def variables(deployment: dict[str, Any]) -> dict[str, str]:
    (main,) = deployment["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in main["env"] if "value" in each}


def test_the_apis_folder_lies_on_the_fleets_shared_claim() -> None:
    pod = api_deployment(with_outbox())["template"]["spec"]
    folder = PurePosixPath(variables(api_deployment(with_outbox()))[VARIABLE])

    (mount,) = (
        each
        for each in pod["containers"][0]["volumeMounts"]
        if folder.is_relative_to(each["mountPath"])
    )
    (volume,) = (each for each in pod["volumes"] if each["name"] == mount["name"])
    assert volume["persistentVolumeClaim"] == {"claimName": "data"}
    assert not mount.get("readOnly")


def test_nobody_else_has_one_and_nobody_unless_asked() -> None:
    fleet = with_outbox()

    assert VARIABLE not in variables(beat_deployment(fleet))
    assert VARIABLE not in variables(worker_deployment(fleet, "default"))
    assert VARIABLE not in variables(api_deployment(imagineer()))


def test_compose_and_systemd_keep_it_where_their_data_lies() -> None:
    service = yaml.safe_load(compose_file(with_outbox(), "test", own_broker=False))["services"][
        "api"
    ]
    unit = unit_files(with_outbox(), "test", PurePosixPath("/opt"))["celery-fleet-api.service"]

    assert service["volumes"] == ["data:/var/lib/fleet"]
    assert service["environment"][VARIABLE].startswith("/var/lib/fleet/")
    assert f'Environment="{VARIABLE}=/var/lib/celery-fleet/outbox"' in unit
    assert "ReadWritePaths=/var/lib/celery-fleet\n" in unit


def test_anything_but_yes_or_no_is_refused_by_its_key() -> None:
    with pytest.raises(ValidationError, match=r"api\.outbox\n.*valid boolean"):
        imagineer(api={"outbox": "/var/lib/outbox"})
