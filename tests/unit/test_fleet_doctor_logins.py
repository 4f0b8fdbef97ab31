"""`fleet doctor` looks for the Secrets of KEDA and redis_exporter before `up` reads them."""

from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest

from fleet import doctor, doctor_checks
from infra.config import load_file
from infra.models.fleet import FleetConfig
from tests.unit.recorder import ROOT, imagineer

KEYS = ("host", "port", "username", "password", "ca.crt")
DATA = {key: b64encode(b"6379").decode() for key in KEYS}
PLACES = {"kedaSecret": ("brokers", "keda"), "exporterSecret": ("brokers", "exporter")}


def looked(config: FleetConfig, **secrets: dict[str, str]) -> list[Any]:
    """What is found where these Secrets are, by name."""
    known = {
        f"/api/v1/namespaces/brokers/secrets/{name}": {"data": data}
        for name, data in secrets.items()
    }
    session: Any = SimpleNamespace(config=config, cluster=SimpleNamespace(get=known.get))
    return [(each.subject, each.problem) for each in doctor_checks.lesser_logins(session)]


def with_logins(*keys: str) -> FleetConfig:
    raw = imagineer().model_dump(by_alias=True, exclude_unset=True)
    for key in keys:
        raw["broker"][key] = dict(zip(("namespace", "name"), PLACES[key], strict=True))
    return FleetConfig.model_validate(raw)


def test_each_secret_that_is_stated_is_looked_for() -> None:
    config = with_logins(*PLACES)

    assert looked(config, keda=DATA, exporter=DATA) == [
        ("broker.kedaSecret: Secret brokers/keda", None),
        ("broker.exporterSecret: Secret brokers/exporter", None),
    ]
    assert [problem for _, problem in looked(config, keda=DATA)] == [None, "it is missing"]


def test_a_secret_that_up_would_refuse_is_told_with_the_keys_it_lacks() -> None:
    lacking = {key: value for key, value in DATA.items() if key != "password"}

    ((_, problem),) = looked(with_logins("kedaSecret"), keda=lacking)
    assert problem is not None
    assert problem.startswith("brokers/keda lacks password: it needs host, port, username")


@pytest.mark.parametrize("config", [imagineer(), load_file(ROOT / "Pulumi.staging.yaml")])
def test_a_stack_without_other_logins_has_none_to_look_for(config: FleetConfig) -> None:
    assert looked(config) == []


def test_they_are_looked_for_on_this_machine_and_elsewhere() -> None:
    for checks in (doctor._LIVE_CHECKS, doctor._ELSEWHERE):
        assert doctor_checks.lesser_logins in {check for _, check in checks}
