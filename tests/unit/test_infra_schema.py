"""The editors' schema is the model's, and every stack file leads to it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet import stack_file
from fleet.project import Project
from infra import schema
from infra.config import load_file
from infra.models.queue import QueueSpec
from infra.models.queue_class import CLASS_DEFAULTS
from tests.unit.recorder import ROOT

STACKS = sorted((ROOT / "stacks").glob("*.yaml"))
ON_AWS = [ROOT / f"Pulumi.{stack}.yaml" for stack in ("prod", "staging")]
LINE = "# yaml-language-server: $schema="
WHOLE = schema.document()


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part of the schema with its reference followed."""
    name = part.get("$ref", "").removeprefix("#/$defs/")
    found: dict[str, Any] = WHOLE["$defs"][name] if name else part
    return found


def of_kind(value: object, part: dict[str, Any]) -> dict[str, Any]:
    """Of a choice, the part that describes values of this kind; else the part itself."""
    kind = value.get("kind") if isinstance(value, dict) else None
    choices = [resolved(choice) for choice in part.get("oneOf", part.get("anyOf", ()))]
    for choice in choices:
        named = choice.get("properties", {}).get("kind", {}).get("const")
        if "oneOf" in choice:
            return of_kind(value, choice)
        if named == kind and ("properties" in choice) == isinstance(value, dict):
            return choice
    return part


def undescribed(value: object, part: dict[str, Any], path: str = "") -> list[str]:
    """Keys that the schema does not know, and those it asks for that are not there."""
    part = of_kind(value, resolved(part))
    if isinstance(value, list):
        return [told for entry in value for told in undescribed(entry, part["items"], path)]
    if not isinstance(value, dict):
        return []
    missing = [f"{path}.{key} missing" for key in part.get("required", ()) if key not in value]
    known, rest = part.get("properties", {}), list(part.get("patternProperties", {}).values())
    if isinstance(part.get("additionalProperties"), dict):
        rest.append(part["additionalProperties"])
    for key, entry in value.items():
        inner = known.get(key, rest[0] if rest else None)
        where = f"{path}.{key}"
        missing += [where] if inner is None else undescribed(entry, inner, where)
    return missing


def test_the_file_is_what_the_model_says_now() -> None:
    assert schema.FILE.read_text() == schema.text(), "run: make schema"


@pytest.mark.parametrize("file", [*STACKS, *ON_AWS], ids=lambda file: file.stem)
def test_every_key_of_a_stack_file_is_described(file: Path) -> None:
    assert undescribed(yaml.safe_load(file.read_text()), WHOLE) == []


def test_what_a_class_gives_may_be_left_out() -> None:
    stated = yaml.safe_load(STACKS[0].read_text())
    stated["config"]["celery-fleet:queues"] = {"celery": {}, "b": {"objective": {"burst": {}}}}

    assert undescribed(stated, WHOLE) == []
    for kind in CLASS_DEFAULTS:
        assert QueueSpec.model_validate({"class": kind}).queue_class == kind


def test_a_misspelt_key_and_a_missing_one_are_told() -> None:
    stated = yaml.safe_load(STACKS[0].read_text())
    keys = stated["config"]
    keys["celery-fleet:workers"]["celery"]["concurency"] = 8
    del keys["celery-fleet:broker"]["connectionSecret"]

    assert undescribed(stated, WHOLE) == [
        ".config.celery-fleet:broker.connectionSecret missing",
        ".config.celery-fleet:workers.celery.concurency",
    ]
    names = WHOLE["properties"]["config"]["propertyNames"]["anyOf"]
    assert "celery-fleet:queus" not in names[0]["enum"]
    assert names[1] == {"not": {"pattern": "^celery-fleet:"}}


def test_every_key_has_its_description_or_a_type_that_has_one() -> None:
    for name in ("QueueSpec", "WorkerSpec", "Objective", "NodeGroupSpec"):
        for key, part in WHOLE["$defs"][name]["properties"].items():
            assert "title" not in part, (name, key)
    grace = WHOLE["$defs"]["WorkerSpec"]["properties"]["terminationGracePeriodSeconds"]
    assert grace["description"].startswith("Seconds between SIGTERM and SIGKILL")


def test_the_token_is_described_as_a_secret_only() -> None:
    token = WHOLE["properties"]["config"]["properties"]["celery-fleet:apiToken"]

    assert (token["required"], token["additionalProperties"]) == (["secure"], False)


def led_to(file: Path) -> Path:
    """Where the first line of a stack file leads an editor."""
    first = file.read_text().splitlines()[0]
    assert first.startswith(LINE)
    return (file.parent / first.removeprefix(LINE)).resolve()


@pytest.mark.parametrize("file", ON_AWS, ids=lambda file: file.stem)
def test_stack_files_on_aws_lead_to_the_schema_too(file: Path) -> None:
    assert led_to(file) == schema.FILE


@pytest.mark.parametrize("file", STACKS, ids=lambda file: file.stem)
def test_a_stack_file_and_its_copy_both_lead_to_the_schema(file: Path, tmp_path: Path) -> None:
    (tmp_path / "stacks").symlink_to(ROOT / "stacks")
    (tmp_path / "state").mkdir()
    made = stack_file.ensure(Project(tmp_path, tmp_path / "state"), file.stem)

    assert led_to(file) == schema.FILE
    assert led_to(made.path) == tmp_path / "infra" / "schema.json"
    assert load_file(made.path) == load_file(file)
    assert json.loads(schema.FILE.read_text())["title"] == "Stack file of celery-fleet"
