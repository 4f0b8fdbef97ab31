"""An SBOM names each pin of its lock with version and hashes, and fits CycloneDX's schema."""

import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from supply import sbom
from supply.bases import DOCKERFILE, base_of_image
from supply.locks import SupplyError, read
from supply.sbom import IMAGE_PYTHON, PARTS, Part, document

MADE = datetime(2026, 1, 2, tzinfo=UTC)
NAMES = [part.name for part in PARTS]
WHOLE_LOCKS = [part for part in PARTS if not part.is_image]


@cache
def text(name: str) -> str:
    return document(PARTS[NAMES.index(name)], MADE)


def components(name: str, kind: str = "library") -> dict[tuple[str, str], dict[str, Any]]:
    found = json.loads(text(name))["components"]
    return {(each["name"], each["version"]): each for each in found if each["type"] == kind}


def hashes(component: dict[str, Any]) -> set[str]:
    (published,) = component["externalReferences"]
    return {each["content"] for each in published["hashes"]}


@pytest.mark.parametrize("part", WHOLE_LOCKS, ids=lambda part: part.name)
def test_every_pin_of_the_lock_is_listed_with_its_version_and_hashes(part: Part) -> None:
    (lock,) = part.locks

    assert {key: hashes(each) for key, each in components(part.name).items()} == {
        (pin.name, pin.version): set(pin.hashes) for pin in read(lock)
    }


def test_of_an_image_only_what_its_python_installs_is_listed() -> None:
    pin = "async-timeout==5.0.1 ; python_full_version < '3.11.3'"
    lock = [pin for pin in read("worker_image/requirements.txt") if pin.name == "async-timeout"]
    listed = components("worker-cpu")

    assert [f"{each.name}=={each.version} ; {each.marker}" for each in lock] == [pin]
    assert ("async-timeout", "5.0.1") not in listed
    assert {name for name, _ in listed} >= {"celery", "kombu", "redis", "uvloop"}
    assert {"torch", "celery"} <= {name for name, _ in components("worker-gpu")}


@pytest.mark.parametrize("name", ["worker-cpu", "worker-gpu"])
def test_an_image_names_its_base_by_digest(name: str) -> None:
    (base,) = components(name, "container").values()

    assert base["hashes"] == [{"alg": "SHA-256", "content": base_of_image().sha256}]


def test_the_pythons_of_dockerfile_and_sbom_agree() -> None:
    assert base_of_image().tag.startswith(IMAGE_PYTHON.rsplit(".", 1)[0] + "-")
    assert f"{IMAGE_PYTHON} stands for the base's Python" in re.sub(
        r"\s*\n# ", " ", DOCKERFILE.read_text()
    )


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_the_schema(name: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text(name)) is None


def test_one_that_does_not_fit_the_schema_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JsonStrictValidator, "validate_str", lambda *_: "no `version`")

    with pytest.raises(SupplyError, match="SBOM of product does not fit CycloneDX"):
        sbom.write(tmp_path, MADE)

    assert list(tmp_path.iterdir()) == []


def test_who_needs_what_is_as_the_lock_tells() -> None:
    needs = {
        each["ref"].split("@")[0]: {one.split("@")[0] for one in each.get("dependsOn", [])}
        for each in json.loads(text("worker-cpu"))["dependencies"]
    }

    assert "pkg:pypi/vine" in needs["pkg:pypi/amqp"]
    assert needs["celery-fleet-worker-cpu"] >= {"pkg:pypi/celery", "pkg:oci/python"}
    assert "pkg:pypi/vine" not in needs["celery-fleet-worker-cpu"]


def test_two_runs_of_one_time_make_the_same_documents() -> None:
    assert document(PARTS[1], MADE) == text(PARTS[1].name)
