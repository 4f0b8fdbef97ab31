"""What `pulumi preview --json` would print of a change, by the mock engine: a stand-in.

Both ends are the program's own; which of them is replaced is the test's to say.
"""

import json
from collections.abc import Mapping
from typing import Any

from fleet.difference.paths import differing
from infra.models.fleet import FleetConfig
from tests.unit.recorder import render

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
Resources = dict[tuple[str, str], dict[str, Any]]


def resources(config: FleetConfig) -> Resources:
    """Inputs of every resource of a stack by type and name."""
    return {(each.typ, each.name): each.inputs for each in render(config).resources}


def document(
    old: Resources, new: Resources, replaced: Mapping[str, list[str]] | None = None
) -> dict[str, Any]:
    steps = [
        _step(key, old.get(key), new.get(key), (replaced or {}).get(key[1]))
        for key in dict.fromkeys([*new, *old])
    ]
    return {"steps": steps, "diagnostics": [{"severity": "warning", "message": "plugin"}]}


def text(old: Resources, new: Resources, **replaced: list[str]) -> str:
    """The document; `replaced` names the paths for which resources of a name are replaced."""
    return json.dumps(document(old, new, replaced))


def _step(
    key: tuple[str, str],
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
    replaced: list[str] | None,
) -> dict[str, Any]:
    kind, name = key
    paths = list(differing(old, new)) if old is not None and new is not None else []
    step: dict[str, Any] = {"urn": f"urn:pulumi:s::celery-fleet::celery-fleet:a:A${kind}::{name}"}
    step |= {"oldState": {"inputs": old}} if old is not None else {}
    step |= {"newState": {"inputs": new}} if new is not None else {}
    if old is None or new is None:
        return {**step, "op": "create" if old is None else "delete"}
    if not paths:
        return {**step, "op": "same"}
    step["detailedDiff"] = {path: {"kind": "update"} for path in paths}
    if replaced is None:
        return {**step, "op": "update"}
    return {**step, "op": "replace", "replaceReasons": replaced}
