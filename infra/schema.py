"""JSON schema of a stack file, for editors: generated from the model, never written by hand."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.config import API_TOKEN_KEY, PROJECT, REGION_KEY
from infra.models.addons import AddOnSpec, MonitoringSpec
from infra.models.fleet import FleetConfig
from infra.models.objective import Burst, Objective
from infra.models.queue import QueueSpec
from infra.models.queue_class import CLASS_DEFAULTS

FILE = Path(__file__).with_suffix(".json")
# Pydantic writes 2020-12, of which nothing that draft 7 lacks is used; every editor knows draft 7.
_DRAFT = "http://json-schema.org/draft-07/schema#"
_SECRET = {
    "type": "object",
    "description": "The HTTP API's bearer token, set by `pulumi config set --secret apiToken`.",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}

Schema = dict[str, Any]


def document() -> Schema:
    """Schema of `Pulumi.<stack>.yaml`; what the model cannot say in a schema, it says at `up`."""
    model = FleetConfig.model_json_schema(by_alias=True)
    definitions = _without_titles(model["$defs"])
    for spec, given in _filled_in().items():
        _require_no_more(definitions[spec], given)
    region = model["properties"].pop("region")
    keys = {f"{PROJECT}:{key}": value for key, value in model["properties"].items()}
    keys |= {REGION_KEY: region}
    keys = _without_titles(keys) | {f"{PROJECT}:{API_TOKEN_KEY}": _SECRET}
    return {
        "$schema": _DRAFT,
        "title": "Stack file of celery-fleet",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": keys,
                "required": [f"{PROJECT}:{key}" for key in model["required"]],
                # Keys of other projects and providers are theirs.
                "propertyNames": {
                    "anyOf": [{"enum": list(keys)}, {"not": {"pattern": f"^{PROJECT}:"}}]
                },
            }
        },
        "required": ["config"],
        "$defs": definitions,
    }


def text() -> str:
    """What the schema's file holds."""
    return json.dumps(document(), indent=2) + "\n"


def _filled_in() -> Mapping[str, set[str]]:
    """Keys that other keys of the stack give, whatever these are, by definition."""
    classes = list(CLASS_DEFAULTS.values())
    promises = [given["objective"] for given in classes]
    bursts = [promise["burst"] for promise in promises]
    layers = {QueueSpec: classes, Objective: promises, Burst: bursts}
    by_class = {s.__name__: set.intersection(*map(set, given)) for s, given in layers.items()}
    # By the cluster's kind.
    return by_class | {spec.__name__: {"kind"} for spec in (AddOnSpec, MonitoringSpec)}


def _require_no_more(definition: Schema, given: set[str]) -> None:
    left = [key for key in definition.pop("required") if key not in given]
    if left:
        definition["required"] = left


def _without_titles(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Drop pydantic's titles, which repeat the keys, and refuse keys of another pattern.

    And its discriminators, which are OpenAPI's: each kind says `kind` itself.
    """
    if isinstance(node, list):
        return [_without_titles(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _without_titles(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "discriminator" and "oneOf" in node)
    }
    if "patternProperties" in kept:
        kept.setdefault("additionalProperties", False)
    return kept


if __name__ == "__main__":
    FILE.write_text(text())
